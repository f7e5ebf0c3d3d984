"""Readiness: what portals and harvesters would refuse, of records and of a running server, and how to mend it."""
