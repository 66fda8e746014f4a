"""Writes the tables of the documentation that are made from code: settings and commands.

Run: make docs (or python docs/generate.py). tests/app/test_docs.py fails when a file is not what this would write. What
is made from results is benchmarks/pages.py's.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from app.cli import Entry, app
from app.settings import Settings
from recommenders.places import base

FOLDER = Path(__file__).resolve().parent
NOTE = "<!-- written by docs/generate.py; change the code and run: make docs -->\n"


def settings() -> str:
    """Every setting: the variable, what it means, its default."""
    rows = ["| variable | meaning | default |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names = [str(c) for c in getattr(alias, "choices", ())] or [f"CHATREC_{name.upper()}"]
        default = _default(field.get_default(call_default_factory=True))
        rows.append(f"| {' or '.join(f'`{n}`' for n in names)} | {field.description} | {default} |")
    head = (
        "Read once at the start, from the environment or a file `.env` in the folder where the program is started.\n"
        """Lists are JSON, for example `CHATREC_OPENAI_MODELS='["gpt-4o-mini", "gpt-4o"]'`.\n"""
        "Relative defaults are from the source checkout; where the package was installed, from the user's data folder\n"
        "(on Linux `~/.local/share/chatrec`)."
    )
    return "\n".join(["# Settings", "", NOTE, head, "", *rows, ""])


def _default(value: object) -> str:
    if value is None or value == "" or value == ():
        return "none"
    if isinstance(value, Path):
        inside = value.is_relative_to(base())
        return f"`{value.relative_to(base()) if inside else Path('..') / value.relative_to(base().parent)}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{v}`" for v in value)
    return f"`{value}`"


def commands() -> str:
    """Every command with its arguments and options."""
    lines = ["# Commands", "", NOTE, "`chatrec COMMAND` and `python -m app.cli COMMAND` are the same.", ""]
    root = typer.main.get_command(app)
    for name, command in _commands(root, "chatrec"):
        lines += [f"## {name}", "", _one_line(command.help), ""]
        rows = [_row(p) for p in command.params if p.name != "help"]
        if rows:
            lines += ["| option | meaning | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _commands(command: object, name: str) -> list[tuple[str, object]]:
    command = command.load() if isinstance(command, Entry) else command
    inner = getattr(command, "commands", None)
    if not inner:
        return [(name, command)]
    return [found for key in sorted(inner) for found in _commands(inner[key], f"{name} {key}")]


def _row(parameter: object) -> str:
    option = parameter.param_type_name == "option"
    shown = (
        ", ".join(f"`{o}`" for o in [*parameter.opts, *parameter.secondary_opts])
        if option
        else (f"`{parameter.name.upper()}`" + ("" if parameter.required else " (optional)"))
    )
    default = "required" if parameter.required else _default(parameter.default)
    return f"| {shown} | {_one_line(getattr(parameter, 'help', ''))} | {default} |"


def _one_line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip().replace("|", "\\|")


FILES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands,
}


def main() -> None:
    for name, made in FILES.items():
        path = FOLDER / name
        text = made()
        changed = not path.is_file() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(FOLDER.parent)}: {'written' if changed else 'current'}", file=sys.stderr)


if __name__ == "__main__":
    main()
