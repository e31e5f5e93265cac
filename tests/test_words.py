"""The wording of the code, measured: names, docstrings and messages keep to the words of CONTRIBUTING.md."""

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "whyset"

IRREGULAR = frozenset(
    "told said kept made given shown seen written taken found held known drawn chosen begun left lost built sent meant "
    "thought brought caught done gone spoken broken hidden forgotten bound spent understood thrown grown".split()
)
VERBS = frozenset("embed need seed feed speed shed exceed proceed succeed read".split())
"""Verbs that look like participles."""

IDIOMS = tuple(
    map(
        re.compile,
        (
            r"^(What|Whatever|Whoever|Whether|Whose|Who|Where|How)\b",
            r"\b(told|tells|says|said)\b",
            r"\b(is|are|was|were) no\b",
            r"\bno such\b",
            r"\bexpected\b.*\bcame\b",
            r"\b(lies|stands|beside|behind)\b",
            r"\b(anew|meanwhile|whoever|nobody|so many|of its own|by itself|of their own)\b",
        ),
    )
)
BRITISH = re.compile(
    r"\b\w*(?:colour|\bgrey|neighbour|normalis|centre|behaviour|favour|analyse[drs]?\b(?<!analyses)|analysing|recognis|"
    r"initialis|serialis|optimis|organis|labell(?!edby)|modell|cancell(?!ation|ed_?error)|catalogue|artefact|licence|stabilis|"
    r"quantis|summaris|visualis|minimis|maximis)\w*",
    re.IGNORECASE,
)
FORMER_SPELLINGS = {
    "src/whyset/analysis/pipelines/pipeline.py": "a renamed step keeps its seed, which derives from its former name",
    "src/whyset/analysis/pipelines/serialization.py": "names in analyses of earlier formats",
    "src/whyset/store/evidence/earlier.py": "fields in analyses of earlier formats",
    "docs/file-format.md": "names in analyses of earlier formats",
    "web/src/state/address/route.ts": "a parameter in addresses of earlier versions",
    "tests/analysis/pipelines/test_serialization.py": "reads earlier formats",
    "tests/store/evidence/test_codec.py": "reads earlier formats",
    "web/tests/state.test.ts": "reads addresses of earlier versions",
    "tests/evaluation/quantus_curves.py": "an argument of Quantus",
    "tests/evaluation/metrics/quantus_metrics.py": "arguments of Quantus",
    "docs/evaluating-explanations.md": "arguments of Quantus",
    "tests/test_words.py": "names what it looks for",
    "CHANGELOG.md": "describes renamings",
}
"""Files with British spellings, and why each has them."""

TEXT = (".py", ".md", ".ts", ".svelte", ".css", ".jinja", ".toml", ".yml", ".mjs")
GENERATED = re.compile(r"^(src/whyset/viewer/static/|tests/data/|benchmarks/results/|web/package-lock)")


@cache
def modules() -> dict[str, ast.Module]:
    return {str(file.relative_to(SOURCE)): ast.parse(file.read_text("utf-8")) for file in SOURCE.rglob("*.py")}


def functions() -> Iterator[str]:
    for file, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
                yield f"{file}:{node.lineno} {node.name}"


def docstrings() -> Iterator[str]:
    """Yield the first sentence of each docstring."""
    for file, tree in modules().items():
        for node in ast.walk(tree):
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if documented and (text := ast.get_docstring(node)):
                first = re.split(r"(?<=[.:;])\s|\n\n", text)[0].replace("\n", " ")
                yield f"{file} {first}"


def messages() -> Iterator[str]:
    """Yield the texts of errors, of progress and of the options' help."""
    for file, tree in modules().items():
        for node in ast.walk(tree):
            call = node.exc if isinstance(node, ast.Raise) else node
            if isinstance(call, ast.Call) and (call is not node or _is_message(call)):
                parts = [part for argument in (*call.args, *call.keywords) for part in ast.walk(argument)]
                said = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
                yield f"{file} {' '.join(said)}"


def _is_message(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in {"info", "warn", "warning", "echo", "Option", "Argument"}


def is_participle(name: str) -> bool:
    """True if a function is named for what it made (`described_group`), not for what it does (`describe_group`)."""
    word = name.split()[-1].strip("_").split("_")[0]
    return word not in VERBS and (word in IRREGULAR or (word.endswith("ed") and len(word) > 3))


def is_idiom(text: str) -> bool:
    return any(idiom.search(text.partition(" ")[2]) for idiom in IDIOMS)


@pytest.mark.parametrize(
    ("texts", "is_bad", "most"),
    [
        (functions, is_participle, 0.015),
        (functions, lambda name: name.endswith("_of"), 0.003),
        (docstrings, is_idiom, 0.01),
        (messages, is_idiom, 0.01),
    ],
    ids=["participles", "_of", "docstrings", "messages"],
)
def test_few_names_and_texts_need_a_second_reading(
    texts: Callable[[], Iterator[str]], is_bad: Callable[[str], bool], most: float
) -> None:
    every = list(texts())
    bad = [text for text in every if is_bad(text)]
    assert len(every) > 500
    assert len(bad) <= most * len(every), "\n".join(bad)


def test_no_two_public_classes_have_the_same_name() -> None:
    places = defaultdict(list)
    for file, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_spelling_is_american() -> None:
    found = defaultdict(set)
    for file in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split():
        path = ROOT / file
        if path.suffix in TEXT and not GENERATED.match(file) and path.exists():
            found[file].update(BRITISH.findall(path.read_text("utf-8")))
    assert {file: words for file, words in found.items() if words and file not in FORMER_SPELLINGS} == {}


@pytest.mark.parametrize(
    ("text", "is_bad"),
    [("a.py told", True), ("a.py is_bound", False), ("a.py embed", False), ("a.py _joined_rows", True)],
)
def test_participles_are_recognized(text: str, is_bad: bool) -> None:
    assert is_participle(text) is is_bad


@pytest.mark.parametrize(
    ("text", "is_bad"),
    [
        ("a.py What is seen.", True),
        ("a.py Return what is seen.", False),
        ("a.py This is no run.", True),
        ("a.py no run", False),
    ],
)
def test_idioms_are_recognized(text: str, is_bad: bool) -> None:
    assert is_idiom(text) is is_bad
