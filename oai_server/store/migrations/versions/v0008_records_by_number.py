"""One number finds a record, and headers stand in the lists: a list of headers is read from one place."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_FORMAT = 1 << 40
_LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
_PARTITIONS = """
    SELECT format('%I.%I', n.nspname, c.relname), format('%I', c.relname || '_before')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.inhparent = 'record'::regclass ORDER BY 1
"""


def upgrade() -> None:
    """Move what is there; no datestamp moves."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    _give_headers(postgresql)
    partitions = _make_room() if postgresql else []
    op.rename_table("record", "record_before")
    op.create_table(
        "record",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("datestamp", Big, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("about", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_record"),
        postgresql_partition_by="HASH (id)" if partitions else None,
    )
    if postgresql and op.get_bind().scalar(sa.text(_LZ4)):
        op.execute("ALTER TABLE record ALTER COLUMN body SET COMPRESSION lz4")
    for number, name in enumerate(partitions):
        whose = f"MODULUS {len(partitions)}, REMAINDER {number}"
        op.execute(f"CREATE TABLE {name} PARTITION OF record FOR VALUES WITH ({whose})")
    for number in _numbers("format"):  # one by one, each in the order of an index: nothing need be sorted
        op.execute(
            "INSERT INTO record (id, datestamp, deleted, size, hash, body, about) "  # noqa: S608
            f"SELECT {number * _FORMAT} + item_id, datestamp, deleted, size, hash, body, about FROM record_before "
            f"WHERE format_id = {number} ORDER BY item_id"
        )
    op.drop_table("record_before")


def _numbers(table: str) -> list[int]:
    return list(op.get_bind().scalars(sa.text(f"SELECT id FROM {table} ORDER BY id")))  # noqa: S608


def _give_headers(postgresql: bool) -> None:
    """Give the entries of each format's whole list the headers of its records."""
    if postgresql:
        op.add_column("entry", sa.Column("header", sa.LargeBinary))
        op.execute(
            "UPDATE entry e SET header = r.header FROM list l JOIN record r ON r.format_id = l.format_id "
            "WHERE l.id = e.list_id AND l.setspec = '' AND r.item_id = e.item_id"
        )
        return
    op.rename_table("entry", "entry_before")
    op.create_table(
        "entry",
        sa.Column("list_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("datestamp", Big, autoincrement=False, nullable=False),
        sa.Column("item_id", Big, autoincrement=False, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("header", sa.LargeBinary),
        sa.PrimaryKeyConstraint("list_id", "datestamp", "item_id", name="pk_entry"),
        sqlite_with_rowid=False,
    )
    for number in _numbers("list"):
        op.execute(
            "INSERT INTO entry (list_id, datestamp, item_id, deleted, header) "  # noqa: S608
            "SELECT e.list_id, e.datestamp, e.item_id, e.deleted, r.header FROM list l "
            "CROSS JOIN entry_before e ON e.list_id = l.id "
            "LEFT JOIN record r ON l.setspec = '' AND r.item_id = e.item_id AND r.format_id = l.format_id "
            f"WHERE l.id = {number} ORDER BY e.datestamp, e.item_id"
        )
    op.drop_table("entry_before")


def _make_room() -> list[str]:
    """Give way to the names of the new table; returns those of its partitions, where an administrator has made some."""
    partitions = op.get_bind().execute(sa.text(_PARTITIONS)).all()
    for name, other in partitions:
        op.execute(f"ALTER TABLE {name} RENAME TO {other}")
    op.execute("ALTER TABLE record RENAME CONSTRAINT pk_record TO pk_record_before")
    return [name for name, _ in partitions]
