"""The command line: quick to start, errors in one line, and a whole conversation in the terminal."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import COMMANDS, Entry, app, main
from app.service.chat import Chat
from app.service.store.store import Store
from app.service.workbench import Workbench
from app.settings import Settings, settings
from tests.app.bench import environment_of, make_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("cli"))


@pytest.fixture(autouse=True)
def environment(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Commands read their settings from the environment; the store is new for each test."""
    served = tiny.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})
    for name, value in environment_of(served).items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield served
    settings.cache_clear()


def talk(*lines: str, options: tuple[str, ...] = ()) -> str:
    result = CliRunner().invoke(app, ["chat", *options], input="\n".join([*lines, "/quit"]) + "\n")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def service(served: Settings) -> Chat:
    return Chat(Workbench(served), Store(served.store_url), served)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, app.cli; app.cli.app(['--help'], standalone_mode=False); "
        "heavy = {'torch', 'pandas', 'faiss', 'langchain_core', 'sqlalchemy', 'streamlit'} & "
        "set(sys.modules); sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "Talk to the recommender" in CliRunner().invoke(app, ["--help"]).output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_the_commands_say(name: str) -> None:
    """The line in the help of the program is the first sentence or two of the command's own."""
    place, line = COMMANDS[name]
    command = Entry(name, place, line).load()
    assert command.name == name
    assert " ".join((command.help or "").split("\n\n")[0].split()) == line


def test_a_conversation_in_the_terminal_is_kept_like_any_other(environment: Settings) -> None:
    output = talk("a comedy", "/like 1", "/why 2", "something else")
    assert "1. " in output
    assert "like: " in output
    chat = service(environment)
    (c,) = chat.conversations()
    messages = chat.messages(c.id)
    assert [m.role for m in messages] == ["user", "assistant"] * 3
    assert messages[2].text.startswith("Why ")
    assert [f.kind for f in chat.feedback(chat.profile_of(c))] == ["like"]
    assert [f.item_id for f in chat.feedback(chat.profile_of(c))] == [messages[1].item_ids[0]]
    chat.store.close()


def test_a_conversation_is_resumed_as_the_person_who_held_it(environment: Settings) -> None:
    talk("a comedy", options=("--user", "u3"))
    output = talk("something else", options=("--resume", "last"))
    assert "You are user u3" in output
    chat = service(environment)
    (c,) = chat.conversations()
    assert len(chat.messages(c.id)) == 4
    chat.store.close()


def test_parts_are_swapped_and_wrong_ones_told(environment: Settings) -> None:
    output = talk(
        "/generator", "/generator popularity", "a comedy", "/generator sasrek", "/llm", "/llm openai:gpt-4o-mini"
    )
    assert "trained: ease, item_knn, popularity" in output
    assert "'sasrek' is not trained" in output
    assert "needs OPENAI_API_KEY" in output
    chat = service(environment)
    (c,) = chat.conversations()
    assert c.generator == "popularity"
    chat.store.close()


def test_commands_that_make_no_sense_say_what_was_expected() -> None:
    output = talk("/why 1", "/like", "/frobnicate", "a comedy", "/why 99")
    assert output.count("no items have been shown yet") == 2
    assert "There is no command /frobnicate" in output
    assert "got '99'" in output


def test_edit_and_again_replace(environment: Settings) -> None:
    talk("a comedy", "/edit a horror film", "/again")
    chat = service(environment)
    (c,) = chat.conversations()
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a horror film"]
    assert len(chat.messages(c.id)) == 2
    chat.store.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chat", "--user", "nobody"], "unknown id 'nobody'"),
        (["chat", "--resume", "last"], "no conversation to go on with"),
        (["chat", "--resume", "xyz"], "no conversation 'xyz'"),
        (["models", "get", "gpt-5"], "no embedded weights called 'gpt-5'"),
        (["data", "show", "nothing"], "unknown data set 'nothing'"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("chatrec: ")
    assert words in told
    assert told.count("\n") == 1


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(Exception, match="unknown data set"):
        main(["data", "show", "nothing", "--debug"])


def test_models_list_names_every_backend_with_the_reason() -> None:
    output = CliRunner().invoke(app, ["models", "list"]).output
    assert "openai:gpt-4o-mini" in output
    assert "needs OPENAI_API_KEY" in output
    assert "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046" in output


def test_the_installed_command_and_the_module_are_the_same() -> None:
    here = Path(sys.executable).parent / "chatrec"
    if not here.is_file():
        pytest.skip("chatrec is not installed in this environment; make test installs it")
    for command in ([str(here), "--help"], [sys.executable, "-m", "app.cli", "--help"]):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "Chat with a recommender" in done.stdout


def test_settings_are_read_once() -> None:
    assert settings() is settings()
