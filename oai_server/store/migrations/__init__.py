"""The history of the schema, run by ``oai-server upgrade``."""
