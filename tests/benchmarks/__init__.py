"""Measuring the server against a peer and against floors, in one run: ``make bench``, ``make bench-large``."""
