"""The options of `explain`: types, documentation, defaults, and options of the command line."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyset.modality import MODALITIES
from whyset.options.engine import ENGINE
from whyset.options.option import Flag, option
from whyset.options.preprocessing import PREPROCESSING

if TYPE_CHECKING:  # the one place where a package names types of a later one: its options are described once
    import torch

    from whyset.attribution.attributors.model_output import OutputChoice
    from whyset.attribution.composites import Composite
    from whyset.engines import Engine, Progress
    from whyset.runner.composites import NamedComposite
    from whyset.runner.data_spec import Words
    from whyset.runner.labels import Labels
    from whyset.runner.methods import GivenMethod
    from whyset.runner.models import ModelSource
    from whyset.runner.output_kinds import GivenKind
    from whyset.runner.preprocessing import Preprocessing
    from whyset.store.remote import AnyPath

STALL_SECONDS = 600.0
"""A batch takes seconds; a network file system that is away for a while comes back within minutes."""
DEVICE = Flag("Device, such as cpu, cuda or cuda:1.", shown="cuda if available")
STALL_TIMEOUT = Flag(
    "Replace a worker of engine local that makes no progress for this long, and report a sample that takes this long "
    "to read; 0: never. Workers of engine dask are not watched.",
    kind=float,
    metavar="SECONDS",
    least=0,
)
SEED = Flag("Random seed.", kind=int)


@dataclass(frozen=True, eq=False)
class ExplainOptions:
    """The options of `explain`.

    A field is described once: by its type, its default, the text of the docstring, and its options of the command line.
    `kept` names the field of run.json that depends on it.
    """

    model: "torch.nn.Module | ModelSource" = field(
        metadata=option(
            "The model, as it is.",
            Flag("Model to explain: file.py:function, torchvision:NAME or timm:NAME."),
            Flag("Checkpoint with the state dict, read with weights_only=True.", "--weights", kind=Path, default=None),
            type="torch.nn.Module or ModelSource",
            kept="model",
        )
    )
    dataset: Any = field(
        metadata=option(
            "A folder or file, arrays, a torch data set or a `Source`. Samples are images (C, H, W), volumes (C, D, H, "
            "W), series (C, T), rows of tables (F,) or token ids of texts (T,), or mappings or tuples of several "
            "inputs, which are passed by name.",
            Flag(
                "Folder of images, as <class>/<image> or flat without labels; an .npy, .npz or .h5 file; or a saved "
                "Hugging Face data set.",
                "--data",
                kind=Path,
            ),
            Flag(
                "Length of the series of a folder of WAV files: longer ones are cut, shorter ones padded with zeros.",
                "--seconds",
                kind=float,
                default=None,
                shown="that of all files",
            ),
            type="object",
            kept="dataset_fingerprint",
        )
    )
    out: "str | AnyPath" = field(
        metadata=option(
            "The run: a folder, or a URL such as s3://bucket/run.",
            Flag("Run folder or URL to create, or to continue if it holds the same run."),
            type="str or path",
        )
    )
    _: KW_ONLY
    composite: "Composite | NamedComposite | str | None" = field(
        default="auto",
        metadata=option(
            'An instance or a name of `COMPOSITES`; None or "gradient" is the plain gradient. "auto" is attn_lrp for '
            "models with attention, epsilon_plus_flat for convolutions on images, and epsilon_plus for all else.",
            Flag(
                "Composite of rules, listed by whyset composites; gradient: no rules; auto: attn_lrp for attention, "
                "epsilon_plus_flat for convolutions on images, otherwise epsilon_plus; or a file of whyset tune."
            ),
            Flag(
                "Action at an operation without a rule: warn, raise or gradient.",
                "--on-unknown",
                default="warn",
                choices=("warn", "raise", "gradient"),
            ),
            type="Composite, NamedComposite, str or None",
            kept="composite",
        ),
    )
    method: "GivenMethod" = field(
        default=None,
        metadata=option(
            "Another attribution method in place of `composite`: an instance or a name of "
            "`whyset.attribution.methods.METHODS`, or a function `f(model, x, target)` that returns a relevance map "
            "for each sample. By default the gradient with the rules of `composite`.",
            Flag(
                "Attribution method in place of --composite, listed by whyset methods, such as integrated_gradients, "
                "or a file of whyset tune.",
                shown="gradient, with --composite",
            ),
            Flag(
                "Parameter of --method, such as n_iter=32; several numbers with commas, mappings as JSON; repeatable.",
                "--method-option",
                many=True,
                default=None,
                metavar="KEY=VALUE",
            ),
            type="Method, str or callable",
            kept="attributor",
        ),
    )
    engine: "str | Engine" = field(
        default="serial",
        metadata=option("What computes the shards: an engine or the name of one.", *ENGINE, type="str or Engine"),
    )
    target: str | int | Sequence[int] = field(
        default="label",
        metadata=option(
            'The value that is explained: "label" (the prediction where no label is known), "prediction", the index of '
            'an output or the name of its class, "top:3" (the three highest outputs), "contrast:A,B" (why A '
            'rather than B) or "contrast:A,rest", "reference:VALUE" (an output minus a value), "similarity:ID" (of '
            "embeddings, to that of another sample). A sequence has the index of an output for each sample.",
            Flag(
                "Value to explain: label, prediction, the index of an output or the name of its class, top:K, "
                "contrast:A,B, contrast:A,rest, reference:VALUE or similarity:ID; or list:FILE, the index of an output "
                "for each sample (.npy, or one a line). Repeatable: one explanation per sample and target.",
                many=True,
                default=None,
                shown="label",
            ),
            type="str, int or sequence of int",
            kept="target",
        ),
    )
    targets: Sequence[str | int] | None = field(
        default=None,
        metadata=option(
            "Several targets in place of `target`: every sample has one row for each, from one forward pass.",
            type="sequence of str or int",
        ),
    )
    output: "OutputChoice" = field(
        default=None,
        metadata=option(
            "The output to explain of a model that returns several, such as a dictionary, a tuple or a `ModelOutput`: "
            "its name, its index, or a function that selects the tensor. By default the only tensor, or the one named "
            '"logits".',
            Flag(
                "Output to explain of a model that returns several: its name or its index.",
                shown="the only tensor, or logits",
            ),
            type="str, int or callable",
            kept="output_choice",
        ),
    )
    output_kind: "GivenKind" = field(
        default="auto",
        metadata=option(
            'What the output is: an instance or a name of `whyset.runner.output_kinds.OUTPUT_KINDS` ("logits" of '
            'exclusive classes, "probabilities", "binary", "multilabel", "regression", "dense", "boxes", "embedding", '
            '"tokens"), or a function of the output that returns scores (n, K). "auto" finds it from the model and the '
            "labels, and states it.",
            Flag(
                "What the output is: logits, probabilities, binary, multilabel, regression, dense (segmentation), "
                "boxes (detectors), embedding or tokens (generated texts); auto: by model and labels.",
                choices=(
                    *("auto", "logits", "probabilities", "binary", "multilabel", "regression"),
                    *("dense", "boxes", "embedding", "tokens"),
                ),
            ),
            Flag(
                "Parameter of --output-kind, such as region=0,0,32,32 of dense or threshold=0.3 of boxes; repeatable.",
                "--output-option",
                many=True,
                default=None,
                metavar="KEY=VALUE",
            ),
            type="OutputKind, str or callable",
            kept="output_kind",
        ),
    )
    layers: Sequence[str] = field(
        default=(),
        metadata=option(
            "Modules whose relevance is stored as well, without a further backward pass.",
            Flag("Also record the relevance at this layer, such as layer3; repeatable.", "--layer", many=True),
            type="sequence of str",
            kept="layers",
        ),
    )
    concepts: Sequence[str] = field(
        default=(),
        metadata=option(
            "Modules whose relevance is stored as its sum for every channel (axis 1 of the output), likewise.",
            Flag(
                "Also record the relevance of each channel of this layer, summed over positions; repeatable.",
                "--concept",
                many=True,
            ),
            type="sequence of str",
            kept="concepts",
        ),
    )
    record: str | Sequence[str] = field(
        default="auto",
        metadata=option(
            'Activations that are stored as well, from the same forward pass: "activation:LAYER" is the output of a '
            'module, and "mean_activation:LAYER" its mean for every channel over all other axes, such as an embedding '
            'of the sample. "auto" chooses the layer before the head, and if the method has rules and no `concepts` '
            'are named, up to three layers whose channel relevance is stored. "none" chooses nothing.',
            Flag(
                "Also record the output of this layer, or by mean_activation:LAYER its mean for each channel; "
                "repeatable. auto: chosen for the model, with channel relevance; none: nothing.",
                many=True,
                default=None,
                shown="auto",
                metavar="activation:LAYER",
            ),
            type="str or sequence of str",
            kept="record",
        ),
    )
    dtype: str = field(
        default="float16",
        metadata=option(
            'Type of stored relevance: "float16" with a scale for each map, or "float32".',
            Flag(
                "Data type of the stored relevance maps: float16 (with a scale per map) or float32.",
                choices=("float16", "float32"),
            ),
            kept="dtype",
        ),
    )
    reduction: str = field(
        default="none",
        metadata=option(
            '"channel_sum" sums maps over their channels.',
            Flag(
                "Reduction of the stored relevance maps: none or channel_sum (the sum over channels).",
                choices=("none", "channel_sum"),
            ),
            kept="reduction",
        ),
    )
    pool: int | None = field(
        default=None,
        metadata=option(
            "Longer side, in pixels, to which maps are pooled.",
            Flag("Pool relevance maps to this longer side, preserving their sum.", kind=int, least=1),
            kept="pool",
        ),
    )
    class_names: "Sequence[str] | Labels | None" = field(
        default=None,
        metadata=option(
            "Names of the model's outputs, in order.",
            Flag("JSON file with the names of the model's outputs.", "--labels", kind=Path),
            type="sequence of str or Labels",
            kept="class_names",
        ),
    )
    batch_size: int = field(
        default=32,
        metadata=option(
            "The number of samples that are explained at a time.",
            Flag("Samples per batch.", kind=int, least=1),
            kept="origin.batch_size",
        ),
    )
    device: str | None = field(
        default=None,
        metadata=option(
            'A device of torch such as "cuda:0", by default the GPU where there is one.', DEVICE, kept="origin.device"
        ),
    )
    inputs: bool = field(
        default=True,
        metadata=option(
            "Whether the inputs are stored in the run.",
            Flag("Do not store the inputs in the run.", "--no-inputs", kind=bool, default=False),
            kept="origin.inputs",
        ),
    )
    seed: int = field(
        default=0,
        metadata=option("Seed of torch; the number of the shard is added to it.", SEED, kept="seed"),
    )
    limit: int | None = field(
        default=None,
        metadata=option(
            "The number of samples that are explained, spread evenly over the data set; by default all.",
            Flag("Number of samples to explain, spread evenly.", kind=int, least=1),
            kept="origin.limit",
        ),
    )
    modality: str | None = field(
        default=None,
        metadata=option(
            "The expected kind of samples; by default their shape determines it.",
            Flag(
                f"Modality: {', '.join(MODALITIES)}.",
                shown="inferred from the shape of the data",
                choices=tuple(MODALITIES),
            ),
            kept="modality",
        ),
    )
    features: Sequence[str] | None = field(
        default=None,
        metadata=option(
            "Names of columns or channels.",
            Flag("Names of columns or channels, separated by commas."),
            type="sequence of str",
            kept="features",
        ),
    )
    rate: float | None = field(
        default=None,
        metadata=option(
            "Positions of a series per second.",
            Flag("Sampling rate of series in positions per second, such as 16000.", kind=float),
            kept="rate",
        ),
    )
    tokens: "Words | None" = field(
        default=None,
        metadata=option(
            "The words of the texts: lists, or what converts an id to its text: a tokenizer, a vocabulary, or the path "
            "of one. A tokenizer splits texts that are strings. The relevance of a token is that of its embedding, "
            "summed.",
            Flag(
                "Tokenizer of the texts, which names their tokens and splits texts: a folder saved by Hugging Face, a "
                "tokenizer.json, or a vocabulary with one token in each line.",
                "--tokenizer",
                kind=Path,
            ),
            type="sequence, mapping, tokenizer, callable or path",
            kept="origin.tokens",
        ),
    )
    input: str | int | None = field(
        default=None,
        metadata=option(
            "The explained one of several inputs: its name or its position. By default an image, the ids of tokens, or "
            "the first floating point input; the model gets the others as they are.",
            Flag(
                "Input to explain of samples with several: its name in the model's forward.",
                shown="an image, ids of tokens, or the first floats",
            ),
            kept="origin.input",
        ),
    )
    stall_timeout: float = field(
        default=STALL_SECONDS,
        metadata=option(
            "Seconds without progress after which a worker of `Local` is ended and its shard computed again, three "
            "times at most; 0 means never. In this process, a sample that takes so long to be read is reported, and so "
            "is what takes so long before the first shard. It has no effect on the workers of `Dask`.",
            STALL_TIMEOUT,
        ),
    )
    preprocessing: "Preprocessing | None" = field(
        default=None,
        metadata=option(
            "Converts eight-bit images (files, uint8 arrays, PIL images) to the model's input, and shows float images "
            "as they were before it. It takes precedence over the preprocessing stated with the model; a `Source` has "
            "its own.",
            *PREPROCESSING,
            type="Preprocessing",
            kept="preprocessing",
        ),
    )
    progress: "Progress | bool | None" = field(
        default=None,
        metadata=option(
            "By default a bar on a terminal or in a notebook, and otherwise messages for the logger `whyset.progress`. "
            "True always shows the bar and False never does; a `Progress` receives messages and the number of "
            "explained samples.",
            type="bool or Progress",
        ),
    )
