"""The engine under the store: SQLite as it must be set up, who may write when, versions, database errors in words."""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    RootTransaction,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.errors import StoreError, StoreTooNew, StoreUnavailable
from app.service.store import migrations
from app.service.store.layout import VERSION, Base, RevisionRow, VersionRow
from app.service.store.line import Line, StillWaiting

PATIENCE_SECONDS = 20.0  # a write waits so long for its turn and for writes of other processes
BUSY_SECONDS = 1.0  # one try to get SQLite's lock; it looks every 1 to 100 ms
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds between two tries, doubled each time
_lines: dict[str, Line] = {}  # by file: all stores of this process that write to it stand in one line
_log = logging.getLogger(__name__)


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
        options = connection.get_execution_options()
        if options.get("rebuilds"):
            # A step of a migration that rebuilds a table drops the old one, which would delete all that refers to it.
            # Cannot be changed within a transaction.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        # A writer takes its lock at once: one that reads first and then wants to write is refused, not made to wait.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return made


def where(made: Engine) -> str:
    """Its address for people, without the password."""
    return made.url.render_as_string(hide_password=True)


# -- writing ----------------------------------------------------------------------------------------------------------


@contextmanager
def writing(made: Engine, seconds: float, **options: bool) -> Iterator[Connection]:
    """One transaction that writes. `seconds`: it waits so long for its turn, then StoreUnavailable says for whom.

    SQLite has one writer at a time. Those of this process stand in a line in front of its lock, so that they do not
    wear out their patience fighting each other for it; only the first in the line asks for the lock. Reads never wait.
    """
    made = made.execution_options(writes=True, **options)
    if made.dialect.name != "sqlite":
        with made.begin() as connection:
            yield connection
        return
    line, deadline = _line(made), time.monotonic() + seconds
    try:
        with line.turn(seconds):
            transaction = _begin(made, line, deadline)
            with transaction.connection, transaction:
                yield transaction.connection
    except StillWaiting as error:
        raise StoreUnavailable(_kept_waiting(made, line, seconds)) from error


def _line(made: Engine) -> Line:
    name = made.url.database
    file = str(Path(name).resolve()) if name and name != ":memory:" else f"memory {id(made.pool)}"
    return _lines.setdefault(file, Line())


def _begin(made: Engine, line: Line, deadline: float) -> RootTransaction:
    """The transaction, once SQLite gives the lock; its error where it has not by `deadline` (time.monotonic)."""
    pause = FIRST_PAUSE
    while True:
        connection = made.connect()  # a new one for each try: SQLAlchemy does not begin twice on one
        try:
            transaction = connection.begin()
        except DatabaseError as error:
            connection.close()
            if not _is_locked(error):
                raise
            if not line.held_up:
                _log.warning("the store %s is locked by another process; what is to be written waits", where(made))
            line.held_up = True
            if time.monotonic() >= deadline:
                raise
        else:
            line.held_up = False
            return transaction
        time.sleep(min(pause, max(deadline - time.monotonic(), 0.0)))
        pause = min(2 * pause, LONGEST_PAUSE)


def _is_locked(error: DatabaseError) -> bool:
    """Somebody else has SQLite's lock (SQLITE_BUSY and SQLITE_LOCKED with their extended codes)."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in (5, 6)


def _kept_waiting(made: Engine, line: Line, seconds: float) -> str:
    """Why the turn of a write did not come."""
    if line.held_up:
        return _locked(made)
    return (
        f"the store {where(made)} is busy: {max(len(line), 1)} writes of this program wait for each other, this one "
        f"for over {seconds:g} s. The disk is slow or there is too much to do; try again in a moment."
    )


def _locked(made: Engine) -> str:
    return (
        f"the store {where(made)} is locked: another process writes to it and does not let go. Close it and try again."
    )


# -- versions ---------------------------------------------------------------------------------------------------------


def prepare(made: Engine) -> None:
    """Make the tables where there are none and take the steps from older ones to these; refuse those of a newer
    program, or of another one. A store that is up to date is only read.
    """
    with reporting(made):
        with made.connect() as connection:
            if _held(connection, made) == (VERSION, True):
                return
        with writing(made, PATIENCE_SECONDS, rebuilds=True) as connection:
            _lock_out_others(connection)
            _upgrade(connection, made)
        made.dispose()  # its connection does not watch over foreign keys


def _held(connection: Connection, made: Engine) -> tuple[int, bool]:
    """Which version of the tables there is (0 none), and whether alembic knows it: not where a program from before the
    steps made them. StoreTooNew, StoreUnavailable for what is not ours.
    """
    tables = set(inspect(connection).get_table_names())
    if VersionRow.__tablename__ not in tables:
        clash = tables & set(Base.metadata.tables)
        if clash:
            raise StoreUnavailable(
                f"{where(made)} already has the table(s) {', '.join(sorted(clash))} of another program; give "
                "chatrec a database of its own with CHATREC_DATABASE_URL"
            )
        return 0, False
    version = connection.scalar(select(func.max(VersionRow.version))) or VERSION
    stamped = RevisionRow.__tablename__ in tables
    revision = connection.scalar(select(RevisionRow.version_num)) if stamped else None
    newest = str(version) if revision is None else max(revision.lstrip("0"), str(version), key=_order)
    if newest not in {str(n) for n in range(1, VERSION + 1)}:
        raise StoreTooNew(
            f"the store {where(made)} has version {newest}, this program knows {VERSION}: it was written by a newer "
            "chatrec. Update this one, or name another store with CHATREC_DATABASE_URL."
        )
    return version, revision is not None


def _order(version: str) -> tuple[bool, int]:
    """Whatever is no number is newer than all numbers."""
    return (False, int(version)) if version.isdigit() else (True, 0)


def _upgrade(connection: Connection, made: Engine) -> None:
    """In the transaction of `connection`; whatever goes wrong in it leaves the store as it was."""
    held, stamped = _held(connection, made)
    if (held, stamped) == (VERSION, True):
        return  # another process was quicker
    try:
        migrations.upgrade(connection, held)
    except (DatabaseError, StoreError):
        raise
    except Exception as error:
        raise StoreUnavailable(
            f"the store {where(made)} could not be brought from version {held} to {VERSION} "
            f"({type(error).__name__}: {error}). It is as it was; the version of chatrec that wrote it still opens it."
        ) from error
    if made.dialect.name == "sqlite" and (torn := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise StoreUnavailable(
            f"the store {where(made)} could not be brought from version {held} to {VERSION}: {len(torn)} rows would "
            f"refer to rows that are gone (the first in {torn[0][0]}). It is as it was."
        )


def _lock_out_others(connection: Connection) -> None:
    """Two processes that open one store at once: the later one waits. On SQLite every writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(b"chatrec store").digest()[:8], signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


# -- errors -----------------------------------------------------------------------------------------------------------


@contextmanager
def reporting(made: Engine) -> Iterator[None]:
    """Errors of the database as StoreUnavailable, in words; a broken constraint passes through to who can retry."""
    try:
        yield
    except IntegrityError:
        raise
    except NoConnection as error:
        raise StoreUnavailable(
            f"the store {where(made)} is busy: no connection to it became free in time. Try again in a moment."
        ) from error
    except DatabaseError as error:
        if _is_locked(error):
            raise StoreUnavailable(_locked(made)) from error
        raise StoreUnavailable(
            f"the store {where(made)} cannot be used ({error.orig}). Check the address in CHATREC_DATABASE_URL, the "
            "rights of the folder and the space on the disk."
        ) from error
