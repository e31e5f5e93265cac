"""`whyset explain`"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.flags import with_flags
from whyset.cli.options import make_engine, preprocessing_fields
from whyset.cli.progress import choose_display
from whyset.command import command
from whyset.errors import InputError
from whyset.options.explain import ExplainOptions
from whyset.options.option import list_flags, list_options
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.attribution.composites import Composite
    from whyset.attribution.methods import Method
    from whyset.engines import Share
    from whyset.runner import Labels, ModelSource, NamedComposite
    from whyset.runner.output_kinds import OutputKind
    from whyset.store import Run

EXAMPLE = "whyset explain --model net.py:resnet --weights net.pt --data images --out runs/mine"
NAMED = 5
FILE = "list:"
"""Begins a target that is read from a file."""

Given = Mapping[str, Any]
"""The values of the options of the command line by name."""


@with_flags(list_flags(ExplainOptions))
def explain(**given: Any) -> int:
    """Explain every prediction of a model over a data set; repeated, the command continues an interrupted run."""
    from whyset import runner

    engine = make_engine(given)
    run = runner.explain(**(read_arguments(given) | {"engine": engine, "progress": choose_display()}))
    return report_completion(run, engine.share)


def read_arguments(given: Given) -> dict[str, Any]:
    """Return the arguments of `explain` for the options of the command line."""
    single = {each.name: each.flags[0] for each in list_options(ExplainOptions) if len(each.flags) == 1}
    arguments = {name: given[flag.key] or () if flag.many else given[flag.key] for name, flag in single.items()}
    return arguments | {name: read(given) for name, read in READERS.items()}


def _read_model(given: Given) -> "ModelSource":
    from whyset import runner

    return runner.ModelSource(given["model"], given["weights"], preprocessing_fields(given))


def _read_dataset(given: Given) -> Any:
    """Check that the data exists before the model is loaded."""
    from whyset import runner

    data: Path = given["data"]
    if not data.exists():
        raise InputError(f"data {data} does not exist")
    if given["seconds"] is None:
        return data
    return runner.WavFolderSource(data, _read_labels(given), given["seconds"])


def _read_composite(given: Given) -> "NamedComposite | Composite":
    from whyset import runner
    from whyset.runner.tuned_methods import SUFFIX, load_composite

    if given["composite"].endswith(SUFFIX):
        return load_composite(given["composite"], given["on_unknown"])
    return runner.NamedComposite(given["composite"], given["on_unknown"])


def _read_method(given: Given) -> "Method | None":
    from whyset.attribution.methods import find_method, parse_options
    from whyset.runner.tuned_methods import SUFFIX, load_method

    name, options = given["method"], given["method_option"] or ()
    if name is not None and name.endswith(SUFFIX):
        if options:
            raise InputError(f"--method-option {options[0]}: the tuned method in {name} has its parameters already")
        return load_method(name)
    if name is not None:
        return parse_options(find_method(name), options)
    if options:
        raise InputError(
            f"--method-option {options[0]} is a parameter of --method, which is missing: add --method NAME"
        )
    return None


def _read_target(given: Given) -> Any:
    """Read one target, or the list of a file; several are read by `_read_targets`."""
    from whyset.runner.targets.chosen import read_classes

    targets = given["target"] or ["label"]
    if len(targets) > 1:
        return "label"
    file = targets[0].removeprefix(FILE)
    return targets[0] if file == targets[0] else read_classes(Path(file))


def _read_targets(given: Given) -> list[str] | None:
    targets = given["target"] or []
    if len(targets) < 2:
        return None
    if any(target.startswith(FILE) for target in targets):
        raise InputError("--target list:FILE cannot be combined with other targets: give it alone")
    return list(targets)


def _read_place(name: str | None) -> str | int | None:
    """Read a name, or the position if it is a number."""
    return int(name) if name is not None and name.isdecimal() else name


def _read_kind(given: Given) -> "OutputKind":
    from whyset.attribution.methods import parse_options
    from whyset.runner.output_kinds import as_output_kind

    return parse_options(type(as_output_kind(given["output_kind"])), given["output_option"] or (), "--output-option")


def _read_labels(given: Given) -> "Labels | None":
    from whyset import runner

    return None if given["labels"] is None else runner.Labels.read(given["labels"])


READERS: Mapping[str, Callable[[Given], Any]] = MappingProxyType(
    {
        "model": _read_model,
        "dataset": _read_dataset,
        "composite": _read_composite,
        "method": _read_method,
        "target": _read_target,
        "targets": _read_targets,
        "output": lambda given: _read_place(given["output"]),
        "input": lambda given: _read_place(given["input"]),
        "output_kind": _read_kind,
        "class_names": _read_labels,
        "record": lambda given: given["record"] or "auto",
        "inputs": lambda given: not given["no_inputs"],
        "features": lambda given: None if given["features"] is None else given["features"].split(","),
    }
)
"""How an argument of `explain` is made of its options, where it is not the value of its only one."""


def report_completion(run: "Run", share: "Share") -> int:
    """Report whether this process's part of the run is complete, what is left to other ranks, and the next command."""
    pending = run.pending_shards()
    mine = share.of(pending)
    if mine:
        missing = f"{_samples(run, mine):,} of {run.sample_count:,} samples are missing"
        echo(f"{missing}; repeat the command to try them again")
        return PARTLY_DONE
    if pending:
        ranks = sorted({shard % share.world for shard in pending})
        who = ", ".join(map(str, ranks[:NAMED])) + (f" and {len(ranks) - NAMED} more" if len(ranks) > NAMED else "")
        echo(
            f"rank {share.rank} of {share.world} has finished its part; {_samples(run, pending):,} of "
            f"{run.sample_count:,} samples are left to rank{'s' if len(ranks) > 1 else ''} {who}"
        )
        return 0
    echo(f"{run.path} is complete; next: {command('analyze', run.path)}")
    return 0


def _samples(run: "Run", shards: Sequence[int]) -> int:
    """Number of samples in these shards; each has one row per target."""
    rows = sum(stop - start for start, stop in map(run.shard_range, shards))
    return rows // run.config.targets_per_sample
