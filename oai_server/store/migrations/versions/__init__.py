"""One file per step, named for its number."""
