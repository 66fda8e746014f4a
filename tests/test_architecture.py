"""The house keeps its shape: no circle, rooms that one can overlook, faces that nobody goes past, plain names."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "recommenders", "llm", "prompts")
FLOORS, FILES = 6, 14
SHELVES = {
    "recommenders.models": "one file a model, named after it; reached by name through the registry",
    "app.commands": "one file a command, named after it",
    "app.web.views": "one file a page, named after it; run by Streamlit",
    "app.turn.tools": "one file a tool, named after it",
    "recommenders.data.attributes.kinds": "one file a kind of attribute, named after it; found by name",
    "recommenders.data.sources": "one file a data set, named after it",
}
"""Folders whose files are named after what they hold, so that a name may stand elsewhere too; why."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def path_of(module: str) -> Path:
    folder = ROOT.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


@cache
def rooms() -> tuple[str, ...]:
    """Every folder of modules, the four packages themselves and shelves' parents included."""
    return tuple(sorted(m for m in graph().modules if path_of(m).name == "__init__.py"))


def room_of(module: str) -> str:
    """The folder that a module lies in; a folder's face lies in it."""
    return module if module in rooms() else module.rpartition(".")[0]


def test_no_circle() -> None:
    """Neither between files nor between rooms: an import closes none."""
    found = graph().nominate_cycle_breakers
    for package in PACKAGES:
        assert not found(package), f"in {package} these imports close a circle: {found(package)}"


def floors(inside: dict[str, set[str]]) -> int:
    """How many stand on top of each other, the longest way."""

    @cache
    def height(name: str) -> int:
        return 1 + max((height(below) for below in inside[name]), default=0)

    return max(map(height, inside), default=0)


@pytest.mark.parametrize("room", rooms())
def test_a_room_can_be_overlooked(room: str) -> None:
    """At most 6 floors, and 14 files beside the face; shelves may be longer. A room inside counts as one."""
    inside = set(graph().find_children(room))
    files = [m for m in inside if m not in rooms()]
    if room not in SHELVES:
        assert len(files) <= FILES, f"{room} has {len(files)} files: {', '.join(sorted(files))}"
    arrows: dict[str, set[str]] = {m: set() for m in inside}
    for module in inside:
        for part in (module, *graph().find_descendants(module)):
            for used in graph().find_modules_directly_imported_by(part):
                holder = next((m for m in inside if used == m or used.startswith(f"{m}.")), None)
                if holder is not None and holder != module:
                    arrows[module].add(holder)
    assert floors(arrows) <= FLOORS, f"{room} has {floors(arrows)} floors"


def test_nobody_goes_past_a_face() -> None:
    """From outside, a room is used through its `__init__`: what stands in its `__all__`, and nothing else."""
    past: list[str] = []
    faced = [r for r in rooms() if hasattr(import_module(r), "__all__")]
    for importer in sorted(graph().modules):
        for used in sorted(graph().find_modules_directly_imported_by(importer)):
            holding = [
                r for r in faced if used.startswith(f"{r}.") and importer != r and not importer.startswith(f"{r}.")
            ]
            for room in holding:
                name = used.removeprefix(f"{room}.")
                if name not in import_module(room).__all__:
                    past.append(f"{importer} -> {used}, which {room} does not show")
    assert not past, "\n".join(past)


HIDDEN = ("llm/backends/",)
"""Where our own modules may be imported on demand: each brings a library that not everybody has or waits for."""


def test_no_import_is_hidden() -> None:
    """Our own modules are imported at the top of a file, where one sees what it stands on."""
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(HIDDEN)
        for node in _inside(ast.parse(path.read_text(encoding="utf-8")))
        if _imported(node) & set(PACKAGES)
    ]
    assert not hidden


def _inside(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement that does not stand at the top of the file."""
    for top in tree.body:
        yield from (node for node in ast.walk(top) if node is not top and isinstance(node, ast.stmt))


def _imported(node: ast.AST) -> set[str]:
    """The packages that a statement imports from."""
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()


def test_nothing_imports_benchmarks() -> None:
    """Neither the product nor its tests: what is measured may change without them."""
    importing = [
        str(path.relative_to(ROOT))
        for folder in (*PACKAGES, "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if "benchmarks" in _imported(node)
    ]
    assert not importing


def test_rooms_have_faces() -> None:
    """Every room but the shelves of pages, commands and models says in its `__init__` what others may use."""
    bare = {
        "app",
        "app.web",
        "app.web.views",
        "app.commands",
        "recommenders",
        "recommenders.models",
        "recommenders.data.attributes.kinds",
        "llm",
    }
    without = [r for r in rooms() if r not in bare and not getattr(import_module(r), "__all__", ())]
    assert not without


def test_a_file_name_says_one_thing() -> None:
    """No two files of one name, but for those on a shelf, which are named after what they hold."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in graph().modules:
        if module not in rooms() and room_of(module) not in SHELVES:
            places[module.rpartition(".")[2]].append(module)
    twice = {name: found for name, found in places.items() if len(found) > 1}
    argued = {name for name, found in twice.items() if all("named" in (import_module(m).__doc__ or "") for m in found)}
    assert not twice.keys() - argued, twice
