"""The tables. Times are whole seconds since 1970-01-01T00:00:00Z; harvesters see texts as stored.

The stored unit is the OAI record: one row per item and format, with its own datestamp and its ready bytes. Everything
that can be harvested is a list: one per format, and one per format and set; a set's list holds its descendants' too.
A list of headers is read far more often than written, so headers lie where lists are: in the list of their format.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)  # fmt: skip

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite counts rows by INTEGER alone; PostgreSQL needs 64 bits for forty million records and a century of seconds.
Big = BigInteger().with_variant(Integer, "sqlite")

clock = Table(
    "repo_clock",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("horizon", Big, nullable=False),
    Column("earliest", Big, nullable=False),
    Column("incarnation", Big, nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("identifier", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("setspecs", Text, nullable=False),  # joined by spaces, sorted
    Column("deleted", Boolean, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of the canonical record: the change test of an import
    Column("rendered", Text, nullable=False),  # by which formats, in which versions
    UniqueConstraint("source", "source_key"),
)

# Apart from the item, whose few bytes every list reads.
canonical = Table(
    "canonical",
    metadata,
    Column("item_id", Big, ForeignKey("item.id"), primary_key=True, autoincrement=False),
    Column("json", LargeBinary, nullable=False),
)

format_ = Table(
    "format",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("schema", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("version", Text, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),  # see record_id
    Column("datestamp", Big, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("size", Integer, nullable=False),  # bytes of body and about, as harvesters get them
    Column("hash", LargeBinary, nullable=False),  # of body and about
    Column("body", LargeBinary),  # the payload as UTF-8 (see packing), None when deleted
    Column("about", LargeBinary),  # whole <about> elements as UTF-8, None where there is none
)

# What compressed bodies of a kind have in common: of a format, or of canonical records ("").
dictionary = Table(
    "dictionary",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),  # as each frame names it
    Column("kind", Text, nullable=False, unique=True),
    Column("content", LargeBinary, nullable=False),
)

list_ = Table(
    "list",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("format_id", SmallInteger, ForeignKey("format.id"), nullable=False),
    Column("setspec", Text, nullable=False),  # "" is the list of the whole repository
    UniqueConstraint("format_id", "setspec"),
)

entry = Table(
    "entry",
    metadata,
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("datestamp", Big, primary_key=True, autoincrement=False),
    Column("item_id", Big, primary_key=True, autoincrement=False),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),  # or departed: what the list shows
    Column("header", LargeBinary),  # the whole <header> as UTF-8, in the list of the whole repository alone
    sqlite_with_rowid=False,
)

list_total = Table(
    "list_total",
    metadata,
    Column("list_id", Integer, ForeignKey("list.id"), primary_key=True, autoincrement=False),
    Column("n", Big, nullable=False),
)

# What a list still shows as deleted of an item that has left its set: the entry stands at the datestamp of that moment.
departure = Table(
    "departure",
    metadata,
    Column("item_id", Big, ForeignKey("item.id"), primary_key=True, autoincrement=False),
    Column("list_id", Integer, ForeignKey("list.id"), primary_key=True, autoincrement=False),
    Column("datestamp", Big, nullable=False),
)

set_ = Table(
    "oai_set",
    metadata,
    Column("spec", Text, primary_key=True),
    Column("label", Text, nullable=False, unique=True),  # what sources call it: a label gets its setSpec once for ever
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("tombstones", Boolean, nullable=False, server_default=text("false")),  # show who has left it as deleted
)

# How far the harvest of another repository's list has come; times are that server's own, as it writes them.
upstream = Table(
    "upstream",
    metadata,
    Column("source", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("prefix", Text, primary_key=True),
    Column("setspec", Text, primary_key=True),  # "" is the whole repository
    Column("complete", Text),
    Column("swept", Text),
    Column("by_day", Boolean, nullable=False),
    Column("started", Text),
    Column("token", Text),
)

Index("ix_item_source_deleted", item.c.source, item.c.deleted)

FORMAT = 1 << 40
"""What a format's number counts for in a record's: one number finds a record where two would cost an index beside.

A format's records lie side by side, in the order of their items, which mostly is that of their lists.
"""

item_of: ColumnElement[int] = record.c.id % FORMAT
"""The number of the item that a record is of."""
in_format: ColumnElement[bool] = format_.c.id == record.c.id // FORMAT
"""How a record is joined with its format."""


def record_id(format_id: int, item_id: int) -> int:
    """Return the number of the record of an item in a format."""
    return format_id * FORMAT + item_id
