"""OAI-PMH 2.0 without I/O: arguments in, answer out."""
