"""An OAI-PMH 2.0 repository server."""
