"""The tables of the store. Portable types only: the same code serves SQLite and PostgreSQL.

Times are seconds since 1970 (UTC) as floats: SQLite drops time zones, and a number means the same everywhere.
"""

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERSION = 3  # of these tables: the number of the last step in migrations/; a store with a higher one is refused


class Base(DeclarativeBase):
    pass


class VersionRow(Base):
    """One row: which version of the tables this store holds. Programs from before the steps know this one alone."""

    __tablename__ = "store_version"

    version: Mapped[int] = mapped_column(primary_key=True)


class RevisionRow(Base):
    """One row: the last step that was taken, as alembic notes it. Not under alembic's own name: another program that
    uses it may share the database."""

    __tablename__ = "store_revision"

    version_num: Mapped[str] = mapped_column(String(32), primary_key=True)


class ProfileRow(Base):
    """A person: somebody new, or one of the data set's users (then `user_id` says which)."""

    __tablename__ = "profiles"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    dataset: Mapped[str] = mapped_column(String(200), index=True)
    user_id: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[float] = mapped_column(Float)


class ConversationRow(Base):
    """The first message names it until a person does. The parts are those of the next turn."""

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    profile_id: Mapped[str] = mapped_column(ForeignKey("profiles.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    dataset: Mapped[str] = mapped_column(String(200), index=True)
    backend: Mapped[str] = mapped_column(String(200))
    generator: Mapped[str] = mapped_column(String(200))
    ranker: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[float] = mapped_column(Float)
    updated: Mapped[float] = mapped_column(Float, index=True)


class MessageRow(Base):
    """One message. `position` grows and is never given twice.

    current  False for what was replaced by a new answer or an edited message: kept, no longer part of the dialogue
    events   the turn's typed events (app.events.TRACE), consecutive tokens joined
    owner    the process that is writing the message while it streams; touched: when it last did
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "position"),
        CheckConstraint("role IN ('user', 'assistant')", name="role"),
        CheckConstraint("status IN ('done', 'streaming', 'stopped', 'failed')", name="status"),
        Index("messages_by_status", "status"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    position: Mapped[int]
    role: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(20))
    current: Mapped[bool] = mapped_column(default=True)
    item_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    events: Mapped[list[dict[str, object]]] = mapped_column(JSON, default=list)
    owner: Mapped[str] = mapped_column(String(300), default="")
    created: Mapped[float] = mapped_column(Float)
    touched: Mapped[float] = mapped_column(Float)


class FeedbackRow(Base):
    """What a person said of an item: the last word wins, so one row an item."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("kind IN ('like', 'dislike', 'seen')", name="kind"),)

    profile_id: Mapped[str] = mapped_column(ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(200), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[float] = mapped_column(Float)


class SavedRow(Base):
    """An item that a person put on their list for later; no opinion of it."""

    __tablename__ = "saved"

    profile_id: Mapped[str] = mapped_column(ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(200), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[float] = mapped_column(Float)
