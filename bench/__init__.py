"""Named, repeatable benchmarks: `python -m bench` (see README.md beside this file)."""
