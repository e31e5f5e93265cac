"""Writes the pages of the API and of the command line to docs/generated before the site is built."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from typer.main import get_command

from whyset import errors
from whyset.cli.app import program

PACKAGES = """whyset whyset.attribution whyset.attribution.rules whyset.attribution.composites whyset.analysis
    whyset.evaluation whyset.image whyset.report whyset.viewer whyset.store whyset.testing whyset.errors""".split()
DOCS = Path(__file__).resolve().parent


def write_pages() -> dict[str, str]:
    """Texts of all generated pages by file name."""
    return {f"{package}.rst": write_package(package) for package in PACKAGES} | {"cli.rst": write_commands()}


def list_names(package: str) -> list[str]:
    """Public names below `package`: those of its `__all__`, or else the public classes and functions of its modules."""
    module = import_module(package)
    if hasattr(module, "__all__"):
        return sorted(module.__all__, key=str.lower)
    if not hasattr(module, "__path__"):
        return list(_list_defined(module))
    found = [
        import_module(f"{package}.{part.name}") for part in pkgutil.iter_modules(module.__path__) if part.name[0] != "_"
    ]
    return [f"{part.__name__.removeprefix(package + '.')}.{name}" for part in found for name in _list_defined(part)]


def _list_defined(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__ and callable(value):
            yield name


def find_object(package: str, name: str) -> Any:
    """The object that `name` is below `package`; a dotted name goes through a module."""
    *home, last = name.split(".")
    return getattr(import_module(".".join([package, *home])), last)


def write_package(package: str) -> str:
    """The page of a package: its docstring, a table of its names, and the documentation of each."""
    text = inspect.cleandoc(import_module(package).__doc__ or "")
    lines = [*_heading(package, "="), _escape_around_examples(text), ""]
    names = list_names(package)
    callables = [name for name in names if _find_kind(package, name) in ("class", "function")]
    if callables:
        lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {package}.{name}" for name in callables), ""]
    for name in names:
        match _find_kind(package, name):
            case "class":
                kind = "autoexception" if issubclass(find_object(package, name), BaseException) else "autoclass"
                lines += [f".. {kind}:: {package}.{name}", "   :members:", ""]
            case "function":
                lines += [f".. autofunction:: {package}.{name}", ""]
            case "shortcut":
                lines += [f"``{package}.{name}`` is :class:`whyset.analysis.{name}`.", ""]
            case "data":
                lines += [f".. py:data:: {package}.{name}", "", f"   {_escape(find_comment(package, name))}", ""]
    return "\n".join(lines)


def _find_kind(package: str, name: str) -> str:
    value = find_object(package, name)
    if inspect.isclass(value):  # a class has one entry, so a second one refers to it
        return "shortcut" if package == "whyset" and hasattr(import_module("whyset.analysis"), name) else "class"
    return "function" if inspect.isroutine(value) else "data"


def find_comment(package: str, name: str) -> str:
    """The docstring below the assignment of a constant, in the module where it is defined; "" without one."""
    module = import_module(package)
    body = ast.parse(inspect.getsource(module)).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and name in [each.asname or each.name for each in node.names]
        ):
            return find_comment(node.module, name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if name in [getattr(target, "id", None) for target in targets] and isinstance(following, ast.Expr):
            text = following.value.value if isinstance(following.value, ast.Constant) else ""
            return " ".join(str(text).split())
    return ""


def write_commands() -> str:
    """The page of the command line: what `--help` prints of the program and of each command."""
    group = get_command(program())
    lines = [*_heading("Command line", "="), _escape(group.help or ""), ""]
    lines += ["``whyset COMMAND --help`` prints the same text.", ""]
    lines += _list_parameters(group)
    for name, command in group.commands.items():  # type: ignore[attr-defined]  # a typer application is a group
        lines += ["", f".. _command-{name}:", "", *_heading(name, "-")]
        lines += [_escape(inspect.cleandoc(command.help or "")), ""]
        context = type(command).context_class(command, info_name=name)
        lines += [
            ".. code-block:: text",
            "",
            f"    whyset {name} {' '.join(command.collect_usage_pieces(context))}",
            "",
        ]
        lines += [*_list_parameters(command), ""]
        if command.epilog:
            lines += ["Example:", "", ".. code-block:: text", "", f"    {command.epilog.removeprefix('Example: ')}", ""]
    return "\n".join(lines) + "\n"


def _list_parameters(command: Any) -> Iterator[str]:
    """The records that `--help` prints of arguments and options, as a list of definitions."""
    context = type(command).context_class(command, info_name=command.name)
    for parameter in command.get_params(context):
        record = None if getattr(parameter, "hidden", False) else parameter.get_help_record(context)
        if record:
            name, text = (" ".join(part.split()) for part in record)
            yield from (f"``{name}``", f"    {_escape(text) or 'No description.'}", "")


def _heading(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _escape(text: str) -> str:
    """Text in which reStructuredText finds no markup, except code between backticks."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(f"`{part}`" if n % 2 else re.sub(r"([\\*|_`])", r"\\\1", part) for n, part in enumerate(parts))


def _escape_around_examples(text: str) -> str:
    """A docstring in which reStructuredText finds no markup, except code between backticks and examples."""
    parts = re.split(r"(^[ ]*>>>.*(?:\n.*\S.*)*)", text, flags=re.MULTILINE)
    return "".join(part if number % 2 else _escape(part) for number, part in enumerate(parts))


def link_files(app: object, docname: str, source: list[str]) -> None:
    """Make links to files of the repository that are not pages downloads, and links to its folders code."""
    if not (DOCS / f"{docname}.md").exists():
        return

    def replace(match: re.Match[str]) -> str:
        text, target = match["text"].replace("`", ""), match["target"]
        if (DOCS / target).is_dir():
            return f"{text} (`{target.removeprefix('../')}`)"
        return f"{{download}}`{text} <{target}>`"

    source[0] = re.sub(r"\[(?P<text>[^]\[]+)\]\((?P<target>\.\./[^)#\s]+)\)", replace, source[0])


def escape_docstring(app: object, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text with code between backticks: escape what reStructuredText would take for markup."""
    lines[:] = _escape_around_examples("\n".join(lines)).split("\n")
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # else Napoleon takes the words before a colon for a type


def resolve_error(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Link the errors that docstrings name without their module."""
    target = node.get("reftarget", "")
    if node.get("reftype") != "exc" or not hasattr(errors, target):
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "exc", f"whyset.errors.{target}", node, contnode)
