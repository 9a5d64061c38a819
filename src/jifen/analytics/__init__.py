"""What the ledger tells whoever runs the program: reckoned from what was recorded, changing nothing."""
