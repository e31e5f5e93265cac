"""An option is described once: Python, the command line, run.json and the documentation follow from the description."""

import inspect
import subprocess
import sys
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn
from typer.main import get_command

import whyset as ws
from whyset.analysis import registry
from whyset.analysis.groups import GROUPINGS
from whyset.cli.app import program
from whyset.cli.explain import READERS, read_arguments
from whyset.cli.flags import make_parameter, with_flags
from whyset.engines import ENGINES
from whyset.errors import InputError
from whyset.modality import MODALITIES
from whyset.options.documented import document, takes
from whyset.options.effects import EffectOptions
from whyset.options.evaluate import EvaluateOptions
from whyset.options.explain import ExplainOptions
from whyset.options.option import Flag, list_flags, list_options, option
from whyset.options.spray import Parts, SprayOptions
from whyset.options.tune import TuneOptions
from whyset.runner.explain_config import OF_ORIGIN, ExplainConfig, list_kept
from whyset.runner.output_kinds import OUTPUT_KINDS
from whyset.runner.targets.chosen import read_classes
from whyset.store import RunConfig

COMMANDS = {
    "explain": ExplainOptions,
    "analyze": SprayOptions,
    "test-effects": EffectOptions,
    "evaluate": EvaluateOptions,
    "tune": TuneOptions,
}


@dataclass(frozen=True)
class Longer(ExplainOptions):
    """With one more option, which is described here and nowhere else."""

    smoothing: float = field(
        default=0.5,
        kw_only=True,
        metadata=option("Width of the kernel.", Flag("Kernel.", kind=float, least=0), kept="origin.smoothing"),
    )


def test_a_described_option_reaches_signature_docstring_and_command_line() -> None:
    @takes(Longer)
    def call(given: Longer) -> float:
        """Explain.

        {parameters}
        """
        return given.smoothing

    assert inspect.signature(call).parameters["smoothing"].default == 0.5
    assert call("net", "data", "out", smoothing=2.0) == 2.0
    assert inspect.getdoc(call).endswith("smoothing : float, default 0.5\n    Width of the kernel.")

    @with_flags(list_flags(Longer))
    def command(**given: Any) -> float:
        return given["smoothing"]

    assert list(inspect.signature(command).parameters)[-1] == "smoothing"
    assert command(smoothing=3.0) == 3.0
    assert make_parameter(list(list_flags(Longer))[-1]).default == 0.5


@pytest.mark.parametrize(("command", "config"), COMMANDS.items())
def test_the_program_has_the_described_options_and_defaults(command: str, config: type[Any]) -> None:
    commands: dict[str, Any] = get_command(program()).commands
    there = {parameter.opts[0]: parameter for parameter in commands[command].params}
    for flag in list_flags(config):
        parameter = there[flag.name]
        assert parameter.required == (flag.default is MISSING)
        assert parameter.required or parameter.default == flag.default
        assert parameter.multiple == flag.many


def test_a_default_of_the_command_line_is_that_of_python() -> None:
    given = {flag.key: None if flag.default is MISSING else flag.default for flag in list_flags(ExplainOptions)}
    given |= {"data": Path(__file__), "model": "torchvision:resnet18"}
    signature = inspect.signature(ws.explain).parameters
    read = read_arguments(given)
    different = {name for name, value in read.items() if value != signature[name].default}
    assert different == {"model", "dataset", "out", "composite", "output_kind"}
    assert (read["composite"].name, read["composite"].on_unknown) == (signature["composite"].default, "warn")


def test_each_option_with_several_flags_has_a_reader() -> None:
    several = {each.name for each in list_options(ExplainOptions) if len(each.flags) > 1}
    assert several - READERS.keys() == {"engine", "preprocessing"}  # by `make_engine`, and with the model


def test_choices_are_those_of_the_tables() -> None:
    several = (list_flags(config) for config in COMMANDS.values())
    flags = {flag.name: set(flag.choices) for each in several for flag in each if flag.choices}
    tables = {
        "--engine": ENGINES,
        "--output-kind": {"auto", *OUTPUT_KINDS},
        "--modality": MODALITIES,
        "--group-by": GROUPINGS,
        "--metric": registry.METRICS,
        "--affinity": registry.AFFINITIES,
        "--laplacian": registry.LAPLACIANS,
        "--embedding": registry.EMBEDDINGS,
    }
    assert {name: flags[name] for name in tables} == {name: set(table) for name, table in tables.items()}
    for name in flags["--clustering"]:
        assert registry.parse_clusterings(name)


@pytest.mark.parametrize(
    "flag", [each for config in COMMANDS.values() for each in list_flags(config)], ids=lambda flag: flag.name
)
def test_help_names_each_choice(flag: Flag) -> None:
    assert [choice for choice in flag.choices if choice not in flag.help and choice != flag.default] == []


def test_what_run_json_keeps_of_an_option_is_a_field_of_it() -> None:
    config = {each.name for each in fields(RunConfig)}
    of_config = {place for place in list_kept().values() if not place.startswith(OF_ORIGIN)}
    assert of_config <= config
    derived = {"weights_hash", "shard_rows", "targets_per_sample", "output", "method_text", "dataset", "versions"}
    assert config - of_config == derived | {"origin"}


def test_run_json_has_the_values(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((6, 3, 4, 4), dtype=np.float32)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    given = {"dtype": "float32", "pool": 2, "seed": 5, "batch_size": 3, "inputs": False, "limit": 4}
    run = ws.explain(model, images, tmp_path / "run", **given)
    kept = {name: place for name, place in list_kept().items() if name in given}
    stored = {OF_ORIGIN + name: value for name, value in run.config.origin.items()} | run.config.to_json()
    assert {name: stored[place] for name, place in kept.items()} == given


def test_a_dataclass_documents_its_options() -> None:
    @document
    @dataclass
    class Scale:
        """Scale.

        {parameters}
        """

        factor: int | None = field(default=None, metadata=option("Factor."))
        parts: Any = field(default_factory=Parts(("PCA",)), metadata=option("Parts.", type="sequence"))

    assert inspect.getdoc(Scale).endswith(
        "factor : int, optional\n    Factor.\nparts : sequence, default (PCA(),)\n    Parts."
    )


def test_options_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    for wrong in ({"class_names": "cat"}, {"modality": "smell"}, {"target": "label", "targets": "label"}, {"pool": 0}):
        with pytest.raises(InputError):
            ExplainConfig(nn.Identity(), tmp_path / "missing", tmp_path / "run", **wrong)


def test_the_command_line_reads_the_class_of_each_sample(tmp_path: Path) -> None:
    np.save(tmp_path / "classes.npy", np.array([2, 0, 1]))
    (tmp_path / "classes.txt").write_text("2\n0\n1\n")
    assert read_classes(tmp_path / "classes.npy") == read_classes(tmp_path / "classes.txt") == [2, 0, 1]


@pytest.mark.parametrize("content", [b"2\n0.5\n", b"cat\n", b"\xff\xfe"])
def test_a_file_of_classes_that_holds_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(content)
    with pytest.raises(InputError, match="one in each line"):
        read_classes(tmp_path / "classes.txt")
    np.save(tmp_path / "values.npy", np.array([0.5]))
    with pytest.raises(InputError, match="got float64"):
        read_classes(tmp_path / "values.npy")
    with pytest.raises(InputError, match="cannot be read"):
        read_classes(tmp_path / "missing.txt")


def test_help_and_completion_load_neither_torch_nor_scikit_learn() -> None:
    heavy = ("torch", "numpy", "scipy", "sklearn", "zarr", "pyarrow")
    code = f"import sys, whyset.cli.app as app; app.program(); print([m for m in {heavy} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
