"""The engine under the store: SQLite as it must be set up, tables and their version, database errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError

from app.errors import StoreTooNew, StoreUnavailable
from app.service.store.schema import VERSION, Base, VersionRow

BUSY_SECONDS = 5.0  # a write waits so long for another process's write


def engine(url: str) -> Engine:
    """Of SQLite (WAL) or any other database that SQLAlchemy has a driver for. StoreUnavailable says what is wrong."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreUnavailable(
            f"CHATREC_DATABASE_URL is {url.split('@')[-1]!r}, which SQLAlchemy cannot use ({error}); expected for "
            "example sqlite:////folder/chatrec.db or postgresql+psycopg://user:password@host/database (with its driver)"
        ) from error


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"the folder of the store {url.database} cannot be made: {error}") from error
    made = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(made, "connect")
    def configure(connection: Any, _: object) -> None:
        # Transactions are begun by hand below: the driver's own way begins them too late, at the first write.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL, not NORMAL: what a person typed survives a power cut too. A turn commits a few times a second at most.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: one that reads first and then wants to write is refused, not made to wait.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return made


def writer(made: Engine) -> Engine:
    """The same engine for transactions that write."""
    return made.execution_options(writes=True)


def where(made: Engine) -> str:
    """Its address for people, without the password."""
    return made.url.render_as_string(hide_password=True)


def prepare(made: Engine) -> None:
    """Make the tables where there are none; refuse those of a newer program, or of another one."""
    with reporting(made), writer(made).begin() as connection:
        tables = set(inspect(connection).get_table_names())
        if VersionRow.__tablename__ not in tables:
            clash = tables & set(Base.metadata.tables)
            if clash:
                raise StoreUnavailable(
                    f"{where(made)} already has the table(s) {', '.join(sorted(clash))} of another program; give "
                    "chatrec a database of its own with CHATREC_DATABASE_URL"
                )
            Base.metadata.create_all(connection)
            connection.execute(VersionRow.__table__.insert().values(version=VERSION))  # type: ignore[attr-defined]
        found = connection.scalar(select(func.max(VersionRow.version)))
    if found is not None and found > VERSION:
        raise StoreTooNew(
            f"the store {where(made)} has version {found}, this program knows {VERSION}: it was written by a newer "
            "chatrec. Update this one, or name another store with CHATREC_DATABASE_URL."
        )


@contextmanager
def reporting(made: Engine) -> Iterator[None]:
    """Errors of the database as StoreUnavailable, in words; a broken constraint passes through to who can retry."""
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseError as error:
        cause = str(error.orig)
        if "locked" in cause or "busy" in cause:
            raise StoreUnavailable(
                f"the store {where(made)} is locked: another process has been writing to it for over "
                f"{BUSY_SECONDS:g} s. Close it and try again."
            ) from error
        raise StoreUnavailable(
            f"the store {where(made)} cannot be used ({cause}). Check the address in CHATREC_DATABASE_URL, the rights "
            "of the folder and the space on the disk."
        ) from error
