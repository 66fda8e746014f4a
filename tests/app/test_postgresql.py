"""The same store on PostgreSQL. Runs where CHATREC_TEST_POSTGRESQL names a server that may make databases, for example
postgresql+psycopg://postgres@127.0.0.1/postgres, and its driver (`pip install psycopg[binary]`) is there."""

import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from app.errors import ConversationBusy, StoreTooNew
from app.events import Done, Token
from app.service.store import Store, database, migrations
from app.service.store.layout import VERSION
from tests.app.test_migrations import NEXT, ahead, steps  # noqa: F401 (fixtures)

SERVER = os.environ.get("CHATREC_TEST_POSTGRESQL", "")
pytestmark = pytest.mark.skipif(not SERVER, reason="CHATREC_TEST_POSTGRESQL names no server")


@pytest.fixture
def url() -> Iterator[str]:
    """A database of the test's own."""
    name = f"chatrec_test_{uuid.uuid4().hex[:12]}"
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def talked(store: Store) -> str:
    """A conversation with one answer; which."""
    c = store.add_conversation(store.add_profile("me", "films").id, "films", "b", "g", None)
    store.add_message(c.id, "something scary")
    answer = store.begin_answer(c.id)
    with pytest.raises(ConversationBusy):
        store.add_message(c.id, "more")
    store.write_answer(answer.id, "Here.", ["a1"], [Token(text="Here."), Done(reply="Here.")], "done")
    return c.id


def value(store: Store, query: str) -> object:
    with store._engine.connect() as connection:
        return connection.execute(text(query)).scalar()


def test_it_is_made_opened_and_gone_on_with(url: str) -> None:
    store = Store(url)
    name = talked(store)
    left = store.begin_answer(name)
    store.let_go(left.id)
    store.close()
    again = Store(url)
    assert [(m.text, m.status) for m in again.messages(name)] == [
        ("something scary", "done"),
        ("Here.", "done"),
        ("", "stopped"),
    ]
    again.close()


def test_a_store_from_before_the_steps_and_an_older_one_take_them(
    url: str,
    ahead: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "FOLDER", Path(migrations.__file__).parent)
        patch.setattr(database, "VERSION", VERSION)
        store = Store(url)
        name = talked(store)
        with store._engine.begin() as connection:
            connection.execute(text("DROP TABLE store_revision"))
        store.close()
        Store(url).close()
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Store(url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    store = Store(url)
    assert value(store, "SELECT version_num FROM store_revision") == f"{NEXT:04d}"
    assert value(store, "SELECT version FROM store_version") == NEXT
    assert value(store, f"SELECT events->0->>'words' FROM messages WHERE conversation_id = '{name}' AND position = 1")
    store.close()
    monkeypatch.setattr(database, "VERSION", VERSION)
    with pytest.raises(StoreTooNew, match=f"version {NEXT}"):
        Store(url)


def test_many_threads_lose_nothing(url: str) -> None:
    store = Store(url)
    errors: list[BaseException] = []
    names: list[str] = []

    def talk() -> None:
        try:
            names.append(talked(store))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=talk) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all([m.status for m in store.messages(name)] == ["done", "done"] for name in names)
    store.close()
