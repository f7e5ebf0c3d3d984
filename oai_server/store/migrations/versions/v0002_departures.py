"""Sets that show what has left them as deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table of departures and the option of a set that fills it."""
    op.create_table(
        "departure",
        sa.Column(
            "item_id", Big, sa.ForeignKey("item.id", name="fk_departure_item_id"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "list_id",
            sa.Integer,
            sa.ForeignKey("list.id", name="fk_departure_list_id"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("datestamp", Big, nullable=False),
        sa.PrimaryKeyConstraint("item_id", "list_id", name="pk_departure"),
    )
    op.add_column("oai_set", sa.Column("tombstones", sa.Boolean, nullable=False, server_default=sa.text("false")))
