"""Readiness: which records a portal would refuse or show badly, by which of its rules, and how to mend them."""
