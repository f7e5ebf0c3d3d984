"""The first tables: clock, items, formats, records, lists, sets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables and start the clock at the database's own time."""
    clock = op.create_table(
        "repo_clock",
        sa.Column("id", sa.SmallInteger, sa.CheckConstraint("id = 1", name="one_row"), autoincrement=False),
        sa.Column("horizon", Big, nullable=False),
        sa.Column("earliest", Big, nullable=False),
        sa.Column("incarnation", Big, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_repo_clock"),
    )
    op.create_table(
        "item",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("identifier", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("source_key", sa.Text, nullable=False),
        sa.Column("setspecs", sa.Text, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("rendered", sa.Text, nullable=False),
        sa.Column("canonical", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_item"),
        sa.UniqueConstraint("identifier", name="uq_item_identifier"),
        sa.UniqueConstraint("source", "source_key", name="uq_item_source_source_key"),
    )
    op.create_index("ix_item_source_deleted", "item", ["source", "deleted"])
    op.create_table(
        "format",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("schema", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_format"),
        sa.UniqueConstraint("prefix", name="uq_format_prefix"),
    )
    op.create_table(
        "record",
        sa.Column(
            "item_id", Big, sa.ForeignKey("item.id", name="fk_record_item_id"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "format_id",
            sa.SmallInteger,
            sa.ForeignKey("format.id", name="fk_record_format_id"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("datestamp", Big, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("item_id", "format_id", name="pk_record"),
    )
    op.create_table(
        "list",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("format_id", sa.SmallInteger, sa.ForeignKey("format.id", name="fk_list_format_id"), nullable=False),
        sa.Column("setspec", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_list"),
        sa.UniqueConstraint("format_id", "setspec", name="uq_list_format_id_setspec"),
    )
    op.create_table(
        "entry",
        sa.Column("list_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("datestamp", Big, autoincrement=False, nullable=False),
        sa.Column("item_id", Big, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "datestamp", "item_id", name="pk_entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "list_total",
        sa.Column(
            "list_id",
            sa.Integer,
            sa.ForeignKey("list.id", name="fk_list_total_list_id"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("n", Big, nullable=False),
        sa.PrimaryKeyConstraint("list_id", name="pk_list_total"),
    )
    op.create_table(
        "oai_set",
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.PrimaryKeyConstraint("spec", name="pk_oai_set"),
        sa.UniqueConstraint("label", name="uq_oai_set_label"),
    )
    now = "CAST(strftime('%s', 'now') AS INTEGER)"
    if op.get_bind().dialect.name == "postgresql":
        now = "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)"
        # Restamps leave dead rows at the low end of a list, where first pages begin.
        op.execute("ALTER TABLE entry SET (autovacuum_vacuum_scale_factor = 0.02)")
        # Bodies are read whole and mostly once: fast compression beats small.
        op.execute("ALTER TABLE record ALTER COLUMN body SET STORAGE EXTENDED")
    values = {name: sa.text(now) for name in ("horizon", "earliest", "incarnation")}
    op.execute(clock.insert().values(id=1, **values))
