"""The options of `tune`: types, documentation, defaults, and options of the command line."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyset.options.explain import DEVICE, ExplainOptions
from whyset.options.option import Flag, option
from whyset.options.preprocessing import PREPROCESSING

if TYPE_CHECKING:  # as for `explain`
    import torch

    from whyset.attribution.attributors.model_output import OutputChoice
    from whyset.attribution.composites import Composite
    from whyset.attribution.methods import Method
    from whyset.engines import Progress
    from whyset.evaluation.metrics.metric import Metric
    from whyset.runner.labels import Labels
    from whyset.runner.models import ModelSource
    from whyset.runner.output_kinds import GivenKind
    from whyset.runner.preprocessing import Preprocessing

OTHER_METRICS = ("efficient_mprt", "max_sensitivity", "complexity")
"""A metric of randomization, of stability and of complexity: what a choice by faithfulness may be at the expense of."""
_OF_EXPLAIN = ExplainOptions.__dataclass_fields__


@dataclass(frozen=True, eq=False)
class TuneOptions:
    """The options of `tune`, each described once, as those of `explain`."""

    model: "torch.nn.Module | ModelSource" = field(
        metadata=option(
            "The model, as it is.",
            Flag("Checkpoint with the state dict, read with weights_only=True.", "--weights", kind=Path, default=None),
            type="torch.nn.Module or ModelSource",
        )
    )
    dataset: Any = field(
        metadata=option(
            "The data, as for `explain`, of which `n_samples` + `n_held_out` samples are used, spread evenly.",
            *_OF_EXPLAIN["dataset"].metadata["option"].flags,
            type="object",
        )
    )
    out: "str | Path | None" = field(
        default=None,
        metadata=option(
            "The file to write, with the tuned method; by default none. Finished candidates are kept next to it until "
            "it is written, so that an interrupted call continues.",
            Flag("File to write, with the tuned method.", kind=Path, default=Path("tuned.json")),
            type="str or path",
        ),
    )
    _: KW_ONLY
    metric: "str | Metric | None" = field(
        default=None,
        metadata=option(
            "The metric that chooses, as a part or as a text such as 'relevance_gain:patch_size=4', one of `METRICS`. "
            "By default the relevance gain with patches of an eighth of each side, filled with the mean of the inputs.",
            Flag(
                "Metric that chooses, with its options, such as relevance_gain:patch_size=4.",
                shown="relevance_gain, patches of an eighth of each side",
            ),
            type="str or Metric",
        ),
    )
    other_metrics: "Sequence[str | Metric]" = field(
        default=OTHER_METRICS,
        metadata=option(
            "Metrics of other properties, which are measured on held-out samples and do not choose.",
            Flag(
                "Metric of another property, measured on held-out samples; repeatable.",
                "--other-metric",
                many=True,
                default=None,
                shown=", ".join(OTHER_METRICS),
            ),
            type="sequence of str or Metric",
        ),
    )
    presets: "Sequence[str | Method | Composite] | None" = field(
        default=None,
        metadata=option(
            "The presets that are compared: names of composites and methods, or instances; by default all composites "
            "and those methods that take few evaluations of the model.",
            Flag(
                "Preset to compare, such as epsilon_plus or rise:n_masks=500; repeatable.",
                "--preset",
                many=True,
                default=None,
                shown="all composites and fast methods",
            ),
            type="sequence of str, Method or Composite",
        ),
    )
    n_candidates: int = field(
        default=30,
        metadata=option(
            "The largest number of configurations of rules that are searched, besides the presets.",
            Flag("Largest number of configurations of rules, besides the presets.", kind=int, least=1),
        ),
    )
    n_samples: int = field(
        default=32,
        metadata=option(
            "The number of tuning samples, by which a candidate is chosen.",
            Flag("Number of tuning samples, by which a candidate is chosen.", kind=int, least=8),
        ),
    )
    n_held_out: int = field(
        default=64,
        metadata=option(
            "The number of held-out samples, which the choice does not see.",
            Flag("Number of held-out samples, which the choice does not see.", kind=int, least=8),
        ),
    )
    masks: Any = field(
        default=None,
        metadata=option(
            "The region of each sample of the data that is known to be decisive, as for `evaluate`; metrics of "
            "localization need it.",
            Flag("File (.npy) with the decisive region of every sample of the data, (n, H, W).", kind=Path),
            type="array of bool or path",
        ),
    )
    target: str | int = field(
        default="label",
        metadata=option(
            'The class that is explained: "label" (the prediction where no label is known), "prediction", or the index '
            "or the name of a class.",
            Flag("Class to explain: label, prediction, or the index or the name of a class."),
            type="str or int",
        ),
    )
    output: "OutputChoice" = field(default=None, metadata=_OF_EXPLAIN["output"].metadata)
    output_kind: "GivenKind" = field(default="auto", metadata=_OF_EXPLAIN["output_kind"].metadata)
    class_names: "Sequence[str] | Labels | None" = field(default=None, metadata=_OF_EXPLAIN["class_names"].metadata)
    batch_size: int = field(
        default=32,
        metadata=option(
            "The number of samples that are explained and measured at a time.",
            Flag("Samples per batch.", kind=int, least=1),
        ),
    )
    device: str | None = field(
        default=None,
        metadata=option('A device of torch such as "cuda:0", by default the GPU where there is one.', DEVICE),
    )
    seed: int = field(
        default=0, metadata=option("Seed of all random choices, at least 0.", Flag("Random seed.", kind=int))
    )
    modality: str | None = field(default=None, metadata=_OF_EXPLAIN["modality"].metadata)
    rate: float | None = field(default=None, metadata=_OF_EXPLAIN["rate"].metadata)
    preprocessing: "Preprocessing | None" = field(
        default=None,
        metadata=option("As for `explain`.", *PREPROCESSING, type="Preprocessing"),
    )
    progress: "Progress | bool | None" = field(
        default=None, metadata=option("The display of progress, as for `explain`.", type="bool or Progress")
    )
