"""What the documentation says of settings and commands is what the code has."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from app.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "commands.md"])
def test_generated_files_are_current(generate: ModuleType, name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == generate.FILES[name](), "run: make docs"


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_command_is_described(generate: ModuleType) -> None:
    import typer

    from app.cli import app

    found = generate._commands(typer.main.get_command(app), "chatrec")
    assert len(found) >= 8
    assert [name for name, command in found if not command.help] == []
