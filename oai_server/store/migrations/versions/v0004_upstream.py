"""How far harvests of other repositories have come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table of harvested lists."""
    op.create_table(
        "upstream",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("setspec", sa.Text, nullable=False),
        sa.Column("complete", sa.Text),
        sa.Column("swept", sa.Text),
        sa.Column("by_day", sa.Boolean, nullable=False),
        sa.Column("started", sa.Text),
        sa.Column("token", sa.Text),
        sa.PrimaryKeyConstraint("source", "url", "prefix", "setspec", name="pk_upstream"),
    )
