"""Containers of about, beside the body of a record."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; records that have none stay as they are, their hashes too."""
    op.add_column("record", sa.Column("about", sa.LargeBinary))
