"""Entries say what is deleted; PostgreSQL packs bodies by lz4, where it can."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_DELETED = """
    UPDATE entry SET deleted = true WHERE EXISTS (
        SELECT 1 FROM list l JOIN record r ON r.format_id = l.format_id
        WHERE l.id = entry.list_id AND r.item_id = entry.item_id AND r.datestamp = entry.datestamp AND r.deleted)
"""
_DEPARTED = """
    UPDATE entry SET deleted = true WHERE EXISTS (
        SELECT 1 FROM departure d
        WHERE d.list_id = entry.list_id AND d.item_id = entry.item_id AND d.datestamp = entry.datestamp)
"""


def upgrade() -> None:
    """Add the column and fill it from records and departures; no datestamp moves."""
    op.add_column("entry", sa.Column("deleted", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.execute(_DELETED)
    op.execute(_DEPARTED)
