"""Stores of other versions: an old one opens with all that is in it, a newer one is refused, no step is taken by half.

`store_version_1.sql` was written by the program before there were steps. The step of the tests below is made up: it is
the pattern for a step that rewrites what is stored.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.errors import StoreTooNew, StoreUnavailable
from app.events import Done, Token
from app.service.store import Store, database, migrations
from app.service.store.layout import VERSION, Base, RevisionRow
from app.wants import NOTHING, Wants
from recommenders.data import Condition

OLD = Path(__file__).parent / "store_version_1.sql"
NEXT = VERSION + 1
STEP = f'''
"""Tokens say who spoke; conversations have a colour; titles are never empty."""
import sqlalchemy as sa
from alembic import op
from app.service.store.migrations import Event, rewrite_events

revision, down_revision = "{NEXT:04d}", "{VERSION:04d}"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("colour", sa.String(20)))
    with op.batch_alter_table("conversations") as table:  # SQLite: a new table in the place of the old one
        table.alter_column("title", existing_type=sa.String(200), server_default="Untitled", existing_nullable=False)
    rewrite_events(op.get_bind(), renamed)
    HERE


def renamed(events: list[Event]) -> list[Event]:
    """What was called text is called words."""
    for event in events:
        if event["kind"] == "token":
            event["words"] = event.pop("text")
    return events
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store as the program before the steps left it."""
    made = tmp_path / "chatrec.db"
    with closing(sqlite3.connect(made)) as raw:
        raw.executescript(OLD.read_text())
    return made


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """The folder of the steps and one more, which is not taken yet."""
    folder = tmp_path / "steps"
    folder.mkdir()
    for step in migrations.FOLDER.glob("step_*.py"):
        (folder / step.name).write_text(step.read_text())
    write_step(folder)
    return folder


def write_step(folder: Path, then: str = "") -> None:
    """The made-up step, with `then` at its end."""
    (folder / f"step_{NEXT:04d}_made_up.py").write_text(STEP.replace("HERE", then))


@pytest.fixture
def ahead(steps: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This program as it will be with the made-up step."""
    monkeypatch.setattr(migrations, "FOLDER", steps)
    monkeypatch.setattr(database, "VERSION", NEXT)
    yield steps


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute(query).fetchall()


def whole(file: Path) -> list[str]:
    """All that is in it, tables and rows."""
    with closing(sqlite3.connect(file)) as raw:
        return list(raw.iterdump())


def test_a_store_from_before_the_steps_opens_and_is_stamped(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    (c,) = store.conversations()
    asked, told = store.messages(c.id)
    assert (asked.text, told.text, told.item_ids) == ("something scary", "Here.", ("a1",))
    assert told.events == (Token(text="Here."), Done(reply="Here.", item_ids=["a1"]))
    assert [f.item_id for f in store.feedback(c.profile_id, "films")] == ["a1"]
    store.add_message(c.id, "and it goes on")
    store.close()
    assert rows(file, "SELECT version_num FROM store_revision") == [(f"{VERSION:04d}",)]
    assert rows(file, "SELECT version FROM store_version") == [(VERSION,)]


def test_what_an_old_decision_asked_for_is_wanted(file: Path) -> None:
    """Arguments of tools become conditions; the items that a message is about and those to resemble are told apart."""
    asked = {
        "genres": ["Crime"], "without_genres": ["Musical"], "people": ["Jane Doe"], "languages": ["French"],
        "year_from": 1980, "year_to": 1989, "without_content": ["violence"], "wish": "heist", "count": 3,
        "more": True, "items": ["item:a1"],
    }  # fmt: skip
    events = [
        {"kind": "decision", "action": "similar", "by": "rules", "arguments": asked},
        {"kind": "decision", "action": "explain", "by": "encoder", "arguments": {"items": ["item:a2"]}},
        {"kind": "decision", "action": "chat", "by": "model", "arguments": {}},
    ]
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("UPDATE messages SET events = ? WHERE role = 'assistant'", (json.dumps(events),))
        raw.commit()
    store = Store(f"sqlite:///{file}")
    similar, why, chat = store.messages(store.conversations()[0].id)[1].events
    store.close()
    assert similar.wants == Wants(
        conditions=(
            Condition(attribute="genres", operator="has all", values=("Crime",)),
            Condition(attribute="genres", operator="has none", values=("Musical",)),
            Condition(attribute="people", operator="has any", values=("Jane Doe",)),
            Condition(attribute="language", operator="one of", values=("French",)),
            Condition(attribute="violence", operator="at most", values=("mild",)),
            Condition(attribute="year", operator="between", values=(1980, 1989)),
        ),
        wish="heist",
        like=("a1",),
        count=3,
        others=True,
    )
    assert (why.items, why.wants, chat.items) == (["a2"], NOTHING, [])


def test_the_steps_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    script = ScriptDirectory(str(migrations.FOLDER), version_locations=[str(migrations.FOLDER)])
    assert script.get_heads() == [f"{VERSION:04d}"]
    made = database.engine(f"sqlite:///{tmp_path / 'chatrec.db'}")
    database.prepare(made)
    with made.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": RevisionRow.__tablename__, "compare_type": True, "compare_server_default": True},
        )
        different = [
            change
            for change in compare_metadata(context, Base.metadata)
            if not (change[0] == "add_table" and change[1].name == RevisionRow.__tablename__)  # alembic makes that one
        ]
    made.dispose()
    assert different == []


@pytest.mark.slow
def test_opening_a_store_that_is_up_to_date_needs_no_alembic(file: Path) -> None:
    Store(f"sqlite:///{file}").close()
    program = "import sys; from app.service.store import Store; Store(sys.argv[1]); print('alembic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program, f"sqlite:///{file}"], capture_output=True, text=True)
    assert ran.stdout.strip() == "False", ran.stderr


def test_an_older_store_takes_the_steps_that_it_needs(file: Path, ahead: Path) -> None:
    """Also the pattern: a column is added, a table rebuilt without losing what refers to it, events are rewritten."""
    before = rows(file, "SELECT id, text, status FROM messages ORDER BY position")
    Store(f"sqlite:///{file}").close()
    assert rows(file, "SELECT version_num FROM store_revision") == [(f"{NEXT:04d}",)]
    assert rows(file, "SELECT version FROM store_version") == [(NEXT,)]
    assert rows(file, "SELECT title, colour FROM conversations") == [("something scary", None)]
    assert rows(file, "SELECT id, text, status FROM messages ORDER BY position") == before
    (_, told) = rows(file, "SELECT json_extract(events, '$[0].words') FROM messages ORDER BY position")
    assert told == ("Here.",)
    again = Store(f"sqlite:///{file}")  # nothing is left to do, and foreign keys are watched again
    with again._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    again.close()


def test_a_new_store_is_made_by_all_steps(tmp_path: Path, ahead: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'new.db'}").close()
    assert rows(tmp_path / "new.db", "SELECT version_num FROM store_revision") == [(f"{NEXT:04d}",)]
    assert rows(tmp_path / "new.db", "SELECT colour FROM conversations") == []


def test_a_newer_store_is_refused_and_left_alone(file: Path, ahead: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(f"sqlite:///{file}").close()
    monkeypatch.setattr(database, "VERSION", VERSION)
    before = whole(file)
    with pytest.raises(StoreTooNew, match=rf"version {NEXT}, this program knows {VERSION}.*Update"):
        Store(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE store_revision SET version_num = 'ae1027a6acf'")
    with pytest.raises(StoreTooNew, match="version ae1027a6acf"):
        Store(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute(f"UPDATE store_revision SET version_num = '{NEXT:04d}'")
    assert whole(file) == before


def test_a_step_that_fails_leaves_the_store_as_it_was(file: Path, ahead: Path) -> None:
    before = whole(file)
    write_step(ahead, "raise KeyError('kind')")
    with pytest.raises(StoreUnavailable, match=rf"from version 1 to {NEXT} \(KeyError: 'kind'\).*as it was"):
        Store(f"sqlite:///{file}")
    assert whole(file) == before
    write_step(ahead, "op.execute('DELETE FROM profiles')")
    with pytest.raises(StoreUnavailable, match="rows would refer to rows that are gone"):
        Store(f"sqlite:///{file}")
    assert whole(file) == before
    write_step(ahead)
    Store(f"sqlite:///{file}").close()


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_step_leaves_a_store_that_opens(file: Path, steps: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from app.service.store import Store, database, migrations
        migrations.FOLDER, database.VERSION = Path(sys.argv[2]), int(sys.argv[3])
        Store(sys.argv[1])
        """
    )
    before = whole(file)
    write_step(steps, "print('altered', flush=True); import time; time.sleep(60)")
    child = subprocess.Popen(
        [sys.executable, "-c", program, f"sqlite:///{file}", str(steps), str(NEXT)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "altered\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert whole(file) == before
    store = Store(f"sqlite:///{file}")
    assert [m.text for m in store.messages(store.conversations()[0].id)] == ["something scary", "Here."]
    store.close()


def test_two_that_open_an_old_store_at_once_take_each_step_once(file: Path, ahead: Path) -> None:
    write_step(ahead, "import time; time.sleep(0.2)")
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Store(f"sqlite:///{file}").close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert rows(file, "SELECT version_num FROM store_revision") == [(f"{NEXT:04d}",)]


def test_opening_waits_for_nobody_where_nothing_is_to_be_written(file: Path) -> None:
    Store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        store = Store(f"sqlite:///{file}")
        assert len(store.messages(store.conversations()[0].id)) == 2
        assert time.monotonic() - began < database.BUSY_SECONDS
        store.close()
        raw.execute("ROLLBACK")
