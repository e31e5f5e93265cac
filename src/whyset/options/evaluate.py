"""The options of `evaluate`: types, documentation, defaults, and options of the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyset.options.option import Flag, option

if TYPE_CHECKING:  # as for `explain`
    import torch

    from whyset.engines import Progress
    from whyset.evaluation.metrics.metric import Metric
    from whyset.runner.consent import Trust


@dataclass(frozen=True, eq=False)
class EvaluateOptions:
    """The options of `evaluate`, each described once, as those of `explain`."""

    explanations: Any = field(
        metadata=option(
            "A run, its folder or its URL, or several of them, of the same data. Or, without runs, a mapping of names "
            "to attributors, methods or their names, or relevance (n, ...), with `model` and `x`.",
            type="Run, str, path, sequence of these, or mapping",
        )
    )
    metrics: "str | Metric | Sequence[str | Metric] | None" = field(
        default=None,
        metadata=option(
            "The metrics, as parts or as texts such as 'relevance_gain:patch_size=16'; by default those of "
            "`DEFAULT_METRICS` that can be computed; `METRICS` is the table of all.",
            Flag(
                "Metric with its options, such as relevance_gain:patch_size=16; repeatable.",
                "--metric",
                many=True,
                shown="a choice of those that can be computed",
            ),
            type="sequence of Metric or str",
        ),
    )
    n_samples: int = field(
        default=100,
        metadata=option(
            "The number of samples, drawn with as equal numbers of each explained class as possible; all if there are "
            "fewer.",
            Flag("Number of samples, drawn evenly over the explained classes.", kind=int, least=2),
        ),
    )
    name: str = field(
        default="evaluation",
        metadata=option("The name of the evaluation in the run.", Flag("Name of the evaluation in the run.")),
    )
    masks: Any = field(
        default=None,
        metadata=option(
            "The region of each sample that is known to be decisive (n, H, W), for all n samples of the data, or of "
            "`x`; for series (n, T), for tables (n, F). A file has the suffix .npy.",
            Flag("File (.npy) with the decisive region of every sample of the data, (n, H, W).", kind=Path),
            type="array of bool or path",
        ),
    )
    seed: int = field(
        default=0, metadata=option("Seed of all random choices, at least 0.", Flag("Random seed.", kind=int))
    )
    batch_size: int | None = field(
        default=None,
        metadata=option(
            "The number of samples that are measured together; by default that of the run, or 32.",
            Flag("Samples that are measured together.", kind=int, least=1, shown="that of the run"),
        ),
    )
    model: "torch.nn.Module | None" = field(
        default=None,
        metadata=option(
            "The model of the runs, if it was given as an object; otherwise it is loaded as run.json states, if the "
            "run was made by this user on this machine or is trusted. Attributors always need it.",
            type="torch.nn.Module",
        ),
    )
    dataset: Any = field(
        default=None,
        metadata=option("The data set of the runs, if it was given as an object.", type="object"),
    )
    data: "str | Path | None" = field(
        default=None, metadata=option("The path of the data of the runs if it has moved.", type="str or path")
    )
    x: "torch.Tensor | None" = field(
        default=None, metadata=option("The inputs (n, ...) that attributors explain.", type="Tensor")
    )
    target: Any = field(
        default=None,
        metadata=option(
            "The class that attributors explain, of all inputs or of each; by default the largest output of each.",
            type="int or Tensor",
        ),
    )
    device: str | None = field(
        default=None,
        metadata=option("The device; by default that of the run, if it is available, or that of `model`.", type="str"),
    )
    trust: "Trust" = field(
        default=False,
        metadata=option(
            "Permission to execute the model file of a run of another user, as for a rerun.", type="bool or callable"
        ),
    )
    progress: "Progress | bool | None" = field(
        default=None, metadata=option("The display of progress, as for `explain`.", type="bool or Progress")
    )
