"""Readers and sources: files become canonical records."""
