"""Members as people: their life, their data, their duplicates, their households."""
