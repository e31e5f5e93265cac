"""Imports go one way, as ARCHITECTURE.md draws it, and without cycles."""

import ast
import os
import re
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE, WEB = ROOT / "src", ROOT / "web/src"
RELATIVE_IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
PICTURE = re.search(r"```\n(errors.*?)\n```", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))
assert PICTURE, "ARCHITECTURE.md draws the order of imports"
LAYERS = [set(step.replace(",", " ").split()) for step in PICTURE[1].split("◄──")]
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
PUBLIC_NAMES = {"Spray": "analysis", "analyze": "analysis", "explain": "runner", "open_run": "store", "view": "viewer"}
PUBLIC_NAMES |= {"EffectTest": "effects", "find": "findings", "measure_effects": "effects"}
PUBLIC_NAMES |= {"evaluate": "evaluation", "Watch": "watching", "fix": "fixing", "tune": "evaluation"}
WITH_TORCH = {"attribution", "engines", "interventions", "runner", "effects", "findings", "evaluation", "fixing", "cli"}
WITH_TORCH |= {"watching"}
WITHOUT_TORCH = set().union(*LAYERS) - WITH_TORCH
ON_A_DEVICE = {"whyset/analysis/processors/on_device.py"}  # imports torch in the function that is given a device
TYPES_OF_LATER_ROOMS = {"options"}  # describes the options of later rooms, whose types only type checkers see
FILES = sorted(SOURCE.rglob("*.py"))
ANYTHING_GOES = {"", "testing"}  # the front door and the contract suites may import every room


def room_of(file: Path) -> str:
    """The part of the package that a file belongs to; "" for whyset/__init__.py and whyset/__main__.py."""
    parts = file.relative_to(SOURCE / "whyset").with_suffix("").parts
    return "" if parts[0].startswith("__") else parts[0]


def named(file: Path) -> str:
    return str(file.relative_to(SOURCE))


class _WithoutTypes(ast.NodeTransformer):
    """Removes what is only imported for type checkers."""

    def visit_If(self, node: ast.If) -> ast.If | None:
        return None if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node


def imported_modules(file: Path, *, types: bool = True) -> Iterator[str]:
    """The absolute name of everything that `file` imports, on whatever level of indentation."""
    package = file.relative_to(SOURCE).parent.parts
    code: ast.AST = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(code if types else _WithoutTypes().visit(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imported_rooms(file: Path) -> set[str]:
    """The rooms of whyset that `file` imports; a public name such as `whyset.explain` counts as its home."""
    names = [module.split(".") for module in imported_modules(file, types=room_of(file) not in TYPES_OF_LATER_ROOMS)]
    own = {parts[1] if len(parts) > 1 else "cli" for parts in names if parts[0] == "whyset"}
    return {PUBLIC_NAMES.get(room, room) for room in own}


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room_of(file) for file in FILES} <= ANYTHING_GOES | set(RANK)


@pytest.mark.parametrize("file", [file for file in FILES if room_of(file) not in ANYTHING_GOES], ids=named)
def test_a_file_imports_only_its_own_room_and_rooms_before_it(file: Path) -> None:
    room = room_of(file)
    wrong = {other for other in imported_rooms(file) - {room} if RANK.get(other, len(LAYERS)) >= RANK[room]}
    assert not wrong


@pytest.mark.parametrize("file", [file for file in FILES if room_of(file) != "testing"], ids=named)
def test_nothing_imports_the_contract_suites(file: Path) -> None:
    assert "testing" not in imported_rooms(file)


@pytest.mark.parametrize("room", sorted(WITHOUT_TORCH))
def test_a_room_that_reads_runs_never_imports_torch(room: str) -> None:
    users = [
        file
        for file in FILES
        if room_of(file) == room
        and "torch" in {m.split(".")[0] for m in imported_modules(file, types=room not in TYPES_OF_LATER_ROOMS)}
    ]
    assert [named(file) for file in users if named(file) not in ON_A_DEVICE] == []


# No cycles, imports for types and imports in functions included


def python_graph() -> dict[str, set[str]]:
    """Each module of whyset with the modules that it imports, in which the names come from that it imports."""
    modules = {".".join(f.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): f for f in FILES}

    def home(name: str) -> str | None:
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name or None

    return {m: {home(name) for name in imported_modules(f)} - {None, m} for m, f in modules.items()}


def typescript_graph() -> dict[str, set[str]]:
    """Each module of web/src with the modules that it imports; styles are not modules."""
    files = {str(file.relative_to(WEB)) for file in WEB.rglob("*") if file.suffix in {".ts", ".svelte"}}

    def target(file: str, name: str) -> str | None:
        path = os.path.normpath(Path(file).parent / name)
        found = [known for known in (path, f"{path}.ts", f"{path}/index.ts") if known in files]
        assert found or path.endswith(".css"), f"{file} imports {name}, which is not there"
        return found[0] if found else None

    def imports(file: str) -> set[str]:
        return {target(file, name) for name in RELATIVE_IMPORT.findall((WEB / file).read_text("utf-8"))} - {None}

    return {file: imports(file) for file in files}


@pytest.mark.parametrize("graph", [python_graph, typescript_graph])
def test_there_are_no_import_cycles(graph: Callable[[], dict[str, set[str]]]) -> None:
    modules = graph()
    assert sum(map(len, modules.values())) > len(modules)  # it has found the imports
    list(TopologicalSorter(modules).static_order())  # CycleError names the modules of a cycle
