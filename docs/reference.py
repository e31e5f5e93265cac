"""Writes the pages of the API, the command line, options and torch functions, before the site is built."""

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from typer.main import get_command

from whyset import errors
from whyset.attribution.intercept.operations import SUBJECTS, Arithmetic, Integers, Loss, Operation, OperationKind
from whyset.cli.app import program
from whyset.options.effects import EffectOptions
from whyset.options.evaluate import EvaluateOptions
from whyset.options.explain import ExplainOptions
from whyset.options.option import Option, list_options, spell
from whyset.options.spray import SprayOptions
from whyset.options.tune import TuneOptions
from whyset.runner.explain_config import OF_ORIGIN
from whyset.store import RunConfig

PACKAGES = """whyset whyset.attribution whyset.attribution.rules whyset.attribution.composites
    whyset.attribution.methods whyset.interventions whyset.effects whyset.analysis
    whyset.evaluation whyset.evaluation.metrics whyset.fixing whyset.image whyset.report whyset.viewer whyset.store
    whyset.testing whyset.errors""".split()
DOCS = Path(__file__).resolve().parent


def write_pages() -> dict[str, str]:
    """Texts of all generated pages by file name."""
    pages = {f"{package}.rst": write_package(package) for package in PACKAGES}
    return pages | {"cli.rst": write_commands(), "operations.rst": write_operations(), "options.rst": write_options()}


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
                lines += [f"``{package}.{name}`` is :class:`{_find_home(name)}.{name}`.", ""]
            case "data":
                lines += [f".. py:data:: {package}.{name}", "", f"   {_escape(find_comment(package, name))}", ""]
    return "\n".join(lines)


def _find_home(name: str) -> str | None:
    """The package that documents a class of `whyset`."""
    return next((home for home in ("whyset.analysis", "whyset.effects") if hasattr(import_module(home), name)), None)


def _find_kind(package: str, name: str) -> str:
    value = find_object(package, name)
    if inspect.isclass(value):  # a class has one entry, so a second one refers to it
        return "shortcut" if package == "whyset" and _find_home(name) else "class"
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


_OPTIONS = """
Each option is described once in the package. The signatures and docstrings of Python, `--help` and this page are made
of these descriptions. "Kept in" is the field of `run.json` that depends on an option: one of `config`, or of
`config.origin`. If it is compared, another value makes another run: a run is continued only with the same value. Other
options may change when a run is continued, and `whyset rerun` repeats those that are kept. "Since" is the version of
the run format that added the field; in older runs it has its default.
"""


def write_options() -> str:
    """The page of the options of `explain`, `Spray`, `EffectTest`, `evaluate` and `tune`: a row for each."""
    lines = [*_heading("Options", "="), _escape(" ".join(_OPTIONS.split())), "", *_heading("explain", "-")]
    lines += _write_table(
        ("in Python", "on the command line", "kept in", "compared", "since"),
        [(*_name_option(each), *_describe_kept(each.kept)) for each in list_options(ExplainOptions)],
    )
    lines += ["", *_heading("Spray", "-"), "All options of an analysis are kept in it and compared.", ""]
    lines += _write_table(("in Python", "on the command line"), map(_name_option, list_options(SprayOptions)))
    lines += ["", *_heading("EffectTest", "-"), "All options of a test of effects are kept in it and compared.", ""]
    lines += _write_table(("in Python", "on the command line"), map(_name_option, list_options(EffectOptions)))
    kept = "Samples, seed, masks and metrics are kept in the evaluation; the other options do not change its values."
    lines += ["", *_heading("evaluate", "-"), kept, ""]
    lines += _write_table(("in Python", "on the command line"), map(_name_option, list_options(EvaluateOptions)))
    lines += ["", *_heading("tune", "-"), "Files of tuned methods keep the samples, the seed and the metrics.", ""]
    lines += _write_table(("in Python", "on the command line"), map(_name_option, list_options(TuneOptions)))
    return "\n".join(lines) + "\n"


def _name_option(option: Option) -> tuple[str, str]:
    default = "" if option.default is MISSING else f"={spell(option.default)}"
    return f"``{option.name}{default}``", ", ".join(f"``{flag.name}``" for flag in option.flags) or "–"


def _describe_kept(place: str | None) -> tuple[str, str, str]:
    if place is None:
        return "–", "no", "–"
    if place.startswith(OF_ORIGIN):
        return f"``{place}``", "no", "1.0"
    (described,) = (each for each in fields(RunConfig) if each.name == place)
    compared = "yes" if described.metadata.get("compared", True) else "no"
    return f"``{place}``", compared, described.metadata.get("since", "1.0")


def _write_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", "")
    for row in (header, *rows):
        yield from (f"   {'  -' if number else '* -'} {cell}" for number, cell in enumerate(row))


TREATMENTS = {
    OperationKind.LINEAR: ("the composite chooses a rule", "by the rule", "bias, stabilizer"),
    OperationKind.BATCH_NORM: (
        "one linear map with the linear operation directly before it; affine without one",
        "by the rule of that operation; the gradient without one",
        "the shift",
    ),
    OperationKind.ACTIVATION: (
        "relevance passes unchanged, a constant f(x₀) keeps its share; x₀ is the offset of x, mostly 0",
        "c · (f(x) − f(x₀))/(x − x₀)",
        "f(x₀)",
    ),
    OperationKind.PRODUCT: (
        "equal shares to all factors that depend on the input",
        "the gradient, divided by the number of these factors",
        "constant parts of the factors",
    ),
    OperationKind.ATTENTION: (
        "half to the values, a quarter each to queries and keys",
        "the gradient times the share",
        "the nonlinearity of the softmax",
    ),
    OperationKind.QUOTIENT: (
        "the product of a and 1/b; a statistic that normalizes a is a constant",
        "that of the product",
        "constant parts of a and 1/b",
    ),
    OperationKind.COMPOUND: ("run as the operations that it consists of", "theirs", "what theirs keep"),
    OperationKind.NORM: (
        "the standard deviation is a constant",
        "the gradient with this constant",
        "the bias",
    ),
    OperationKind.QUADRATIC: ("homogeneous of degree two", "half the gradient", "–"),
    OperationKind.RECURRENT: ("the equations of the cell, step by step", "theirs", "what theirs keep"),
    OperationKind.COMPLEX: ("a linear map of real and imaginary parts", "the gradient", "–"),
    OperationKind.RELU: ("runs unchanged, unless the composite changes it", "the gradient, which is f(x)/x", "–"),
    OperationKind.TRANSPARENT: ("runs unchanged", "the gradient", "–"),
    OperationKind.PLAIN: ("ignored: not an operation on values", "–", "–"),
}
"""Treatment, coefficient and what keeps relevance, by kind of operation; constants of the call are in its row."""

UNKNOWN = ("no rule is known: on_unknown decides", "the gradient, with a warning", "unknown")
WITHOUT_A_RULE = {
    Integers.LOOKUP: ("a lookup of integer ids, where relevance of the ids ends; else no rule is known", *UNKNOWN[1:]),
    Integers.CREATES: ("a new tensor, which is a constant", "–", "–"),
    Integers.POSITIONS: ("positions and counts, which are constants", "–", "–"),
}
EXCEPTIONS = {
    "detach": ("ends the path of relevance: its result is a constant", "–", "–"),
    "data": ("ends the path of relevance: its result is a constant", "–", "–"),
    "complex": (*TREATMENTS[OperationKind.COMPLEX][:2], "a constant part"),
    "logcumsumexp": (*TREATMENTS[OperationKind.TRANSPARENT][:2], "its nonlinearity, with an unknown cause"),
    "nan_to_num": (*TREATMENTS[OperationKind.TRANSPARENT][:2], "elements that it replaces, with an unknown cause"),
}


def describe_operation(operation: Operation) -> tuple[str, str, str]:
    """Treatment of a torch function, its coefficient, and what keeps relevance."""
    if operation.name in EXCEPTIONS:
        return EXCEPTIONS[operation.name]
    if operation.kind is None:
        return WITHOUT_A_RULE.get(operation.integers, UNKNOWN)
    treatment, coefficient, keeps = TREATMENTS[operation.kind]
    if operation.conserves:
        treatment = "passes elements on unchanged"
    if operation.piecewise:
        treatment, coefficient = "relevance passes unchanged", "the gradient, which is f(x)/x, if x has the offset 0"
    if operation.contraction is not None and operation.kind is OperationKind.PRODUCT:
        treatment += "; with constants a linear map, for which the composite chooses a rule"
    if operation.arithmetic is Arithmetic.MULTIPLY:
        treatment += "; a statistic that normalizes its partner is a constant"
    if operation.kind in (OperationKind.TRANSPARENT, OperationKind.PRODUCT) and operation.loss is not Loss.NONE:
        keeps = operation.loss.value if keeps == "–" else f"{keeps}; {operation.loss.value}"
    return treatment, coefficient, keeps


def write_operations() -> str:
    """The page of the table of torch functions: a section for each subject, a row for each function."""
    lines = [*_heading("What happens to every torch function", "="), _escape(" ".join(_INTRODUCTION.split())), ""]
    for subject, operations in SUBJECTS.items():
        lines += [*_heading(subject, "-"), ".. list-table::", "   :header-rows: 1", "   :widths: 20 40 25 15", ""]
        cells: list[tuple[str, ...]] = [("function", "treatment", "coefficient", "what keeps relevance")]
        for operation in sorted(operations, key=lambda each: each.name.strip("_").lower()):
            cells.append((f"``{operation.name}``", *map(_escape, describe_operation(operation))))
        for row in cells:
            lines += [
                f"   {'-' if number else '* -'} {cell}".replace("   - ", "     - ") for number, cell in enumerate(row)
            ]
        lines.append("")
    return "\n".join(lines)


_INTRODUCTION = """
Names are those of the torch functions without the underscores of in-place and operator forms: `relu`, `relu_` and
`Tensor.relu` are `relu`; `+`, `+=` and `add_` are `add`. Functions that torch writes in Python with others, as
`torch.nn.functional.normalize`, are not in the tables: the functions that they call are. Relevance is the coefficient c
times the value, and "the gradient" is c times the derivative of the function. What is kept is in the ledger with its
cause; "–" means that the function keeps nothing, as far as it is linear or homogeneous in its arguments. A function
without a row is unknown, and `on_unknown` of the composite decides.
"""


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
