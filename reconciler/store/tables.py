"""The tables as they are now; `migrations/` says how they came to be (a test compares the two)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from reconciler.store.columns import UtcDateTime

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

lists = Table(
    "lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("client", Text, nullable=False),
    Column("list_uid", Text, nullable=False),
    Column("list_name", Text, nullable=False),
    Column("state", Text),  # no state: this list never had a link
    Column("audience_id", Text),
    Column("agreed_name", Text, nullable=False),
    Column("agreed_reminder", Text, nullable=False),
    Column("synced_once", Boolean, nullable=False),
    Column("absent_passes", Integer, nullable=False),
    Column("absent_since", UtcDateTime),
    Index("ux_lists_client_list_uid", "client", "list_uid", unique=True),
)
Index(
    "ux_lists_linked_audience",
    lists.c.client,
    lists.c.audience_id,
    unique=True,
    sqlite_where=text("state = 'linked'"),
    postgresql_where=text("state = 'linked'"),
)

base_rows = Table(
    "base_rows",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("persons", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("contact_id", LargeBinary, nullable=False),  # `columns.encode_id`
    sqlite_with_rowid=False,  # rows stand in the order of their key: half the file, one read a row
)

nos = Table(
    "nos",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list_id", ForeignKey("lists.id"), nullable=False),
    Column("address", Text, nullable=False),
    Column("persons", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Text),  # who released it and why; nobody where the contact itself came back
    Column("told_at", UtcDateTime),  # when OTYS learnt of it
    Index("ix_nos_list_address", "list_id", "address"),
)
Index(
    "ux_nos_open",
    nos.c.list_id,
    nos.c.address,
    nos.c.reason,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

list_refusals = Table(
    "list_refusals",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("verb", Text, primary_key=True),
    Column("wanted", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

refusals = Table(
    "refusals",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("verb", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("retry_after", UtcDateTime),
    sqlite_with_rowid=False,
)

rests = Table(
    "rests",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

passes = Table(
    "passes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("client", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("called_by", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("result", Text),
    Column("counts", Text, nullable=False),
    Column("problems", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),  # empty: the pass came to no plan
    Index("ix_passes_client", "client", "id"),
)

entries = Table(  # of history: what became of changes, in the same words and at the same moment
    "entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("pass_id", ForeignKey("passes.id"), nullable=False),
    Column("list_id", ForeignKey("lists.id"), nullable=False),
    Column("verb", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_entries_pass", "pass_id"),
)

outcomes = Table(  # whom each entry is about, in the order in which it was known
    "outcomes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False),
    Column("address_key", LargeBinary, nullable=False),  # empty: a change of the list itself
)

intents = Table(
    "intents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list_id", ForeignKey("lists.id"), nullable=False),
    Column("pass_id", ForeignKey("passes.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("intended_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("result", Text),
    Column("settled_detail", Text),
)

plan_bodies = Table(
    "plan_bodies",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("pass_id", ForeignKey("passes.id"), primary_key=True),
    Column("digest", Text, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("pass_id", ForeignKey("passes.id"), primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("whole", Boolean, nullable=False),  # else it says what differs from the one before
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

erasures = Table(
    "erasures",
    metadata,
    Column("client", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # keyed hash of an address or of a person
    Column("erased_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list_id", ForeignKey("lists.id"), nullable=False),
    Column("pass_id", ForeignKey("passes.id"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("superseded_at", UtcDateTime),
    Column("approved_at", UtcDateTime),
    Column("approved_by", Text),
    Column("used_at", UtcDateTime),
    Column("used_in", ForeignKey("passes.id")),
    Index("ix_proposals_digest", "digest"),
)

locks = Table(
    "locks",
    metadata,
    Column("client", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("process", Text, nullable=False),  # empty where the system does not tell
    Column("token", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("client", Text, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", UtcDateTime, nullable=False),
)

told = Table(
    "told",
    metadata,
    Column("client", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("list_uid", Text, primary_key=True),  # empty: it is about the client as a whole
    Column("verb", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
    Column("over", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
