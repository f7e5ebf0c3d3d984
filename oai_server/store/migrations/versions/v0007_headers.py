"""Records hold their header, ready as harvesters get it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_ESCAPED = "i.identifier"
for _character, _entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
    _ESCAPED = f"replace({_ESCAPED}, '{_character}', '{_entity}')"
_SETS = (
    "CASE WHEN i.setspecs = '' THEN '' "
    "ELSE '<setSpec>' || replace(i.setspecs, ' ', '</setSpec><setSpec>') || '</setSpec>' END"
)
_HEADER = (
    "'<header' || CASE WHEN r.deleted THEN ' status=\"deleted\"' ELSE '' END || '><identifier>' || "
    f"{_ESCAPED} || '</identifier><datestamp>' || {{datestamp}} || '</datestamp>' || {_SETS} || '</header>'"
)
_MOMENT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', r.datestamp, 'unixepoch')",
    "postgresql": "to_char(to_timestamp(r.datestamp) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
}
_BYTES = {"sqlite": "CAST({} AS BLOB)", "postgresql": "convert_to({}, 'UTF8')"}


def upgrade() -> None:
    """Write the headers as they were written for each answer until now; no datestamp moves."""
    dialect = op.get_bind().dialect.name
    header = _BYTES[dialect].format(_HEADER.format(datestamp=_MOMENT[dialect]))
    if dialect == "postgresql":
        op.add_column("record", sa.Column("header", sa.LargeBinary))
        op.execute(f"UPDATE record r SET header = {header} FROM item i WHERE i.id = r.item_id")  # noqa: S608
        op.alter_column("record", "header", nullable=False)
        return
    # What stands behind a long body in a row of SQLite's is read through all of it: the header stands before.
    op.rename_table("record", "record_before")
    op.create_table(
        "record",
        sa.Column("item_id", Big, sa.ForeignKey("item.id", name="fk_record_item_id"), autoincrement=False),
        sa.Column(
            "format_id", sa.SmallInteger, sa.ForeignKey("format.id", name="fk_record_format_id"), autoincrement=False
        ),
        sa.Column("datestamp", Big, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("about", sa.LargeBinary),
        sa.PrimaryKeyConstraint("item_id", "format_id", name="pk_record"),
    )
    op.execute(
        "INSERT INTO record (item_id, format_id, datestamp, deleted, size, hash, header, body, about) "  # noqa: S608
        f"SELECT r.item_id, r.format_id, r.datestamp, r.deleted, r.size, r.hash, {header}, r.body, r.about "
        "FROM record_before r JOIN item i ON i.id = r.item_id ORDER BY r.rowid"
    )
    op.drop_table("record_before")
