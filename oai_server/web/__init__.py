"""Flask: the OAI endpoint, the pages for people, health."""
