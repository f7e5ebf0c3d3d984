"""Everything SQL: the tables, publishing changes, harvest queries, migrations."""
