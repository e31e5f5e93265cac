"""`whyset explain`"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.options import (
    EngineName,
    Mean,
    Mode,
    Model,
    OnUnknown,
    Scheduler,
    Seed,
    Size,
    StallTimeout,
    Std,
    Weights,
    Workers,
    make_engine,
    preprocessing_fields,
)
from whyset.cli.progress import choose_display
from whyset.command import command
from whyset.errors import InputError
from whyset.printable import echo

if TYPE_CHECKING:
    from whyset.attribution.methods import Method
    from whyset.engines import Share
    from whyset.runner.output_kinds import OutputKind
    from whyset.store import Run

EXAMPLE = "whyset explain --model net.py:resnet --weights net.pt --data images --out runs/mine"
NAMED = 5


def explain(
    model: Model,
    data: Annotated[
        Path,
        typer.Option(
            help="Folder of images, as <class>/<image> or flat without labels; an .npy, .npz or .h5 file; or a saved "
            "Hugging Face data set."
        ),
    ],
    out: Annotated[str, typer.Option(help="Run folder or URL to create, or to continue if it holds the same run.")],
    weights: Weights = None,
    composite: Annotated[
        str,
        typer.Option(
            help="Composite of rules, listed by whyset composites; gradient: no rules; auto: attn_lrp for attention, "
            "epsilon_plus_flat for convolutions on images, otherwise epsilon_plus."
        ),
    ] = "auto",
    method: Annotated[
        str | None,
        typer.Option(
            help="Attribution method in place of --composite, listed by whyset methods, such as integrated_gradients.",
            show_default="gradient, with --composite",
        ),
    ] = None,
    method_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Parameter of --method, such as n_iter=32; several numbers with commas, mappings as JSON; repeatable.",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Value to explain: label, prediction, the index of an output or the name of its class, top:K, "
            "contrast:A,B, contrast:A,rest, reference:VALUE or similarity:ID; repeatable: one explanation per sample "
            "and target.",
            show_default="label",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="Output to explain of a model that returns several: its name or its index.",
            show_default="the only tensor, or logits",
        ),
    ] = None,
    output_kind: Annotated[
        str,
        typer.Option(
            help="What the output is: logits, probabilities, binary, multilabel, regression, dense (segmentation) or "
            "embedding; auto finds it from the model and the labels."
        ),
    ] = "auto",
    output_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="Parameter of --output-kind, such as region=0,0,32,32 of dense; repeatable."
        ),
    ] = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Also record the relevance at this layer, such as layer3; repeatable.")
    ] = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(
            help="Also record the relevance of each channel of this layer, summed over positions; repeatable."
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="Data type of the stored relevance maps: float16 (with a scale per map) or float32.")
    ] = "float16",
    reduction: Annotated[
        str, typer.Option(help="Reduction of the stored relevance maps: none or channel_sum (the sum over channels).")
    ] = "none",
    pool: Annotated[
        int | None, typer.Option(help="Pool relevance maps to this longer side, preserving their sum.", min=1)
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="JSON file with the names of the model's outputs.")] = None,
    size: Size = None,
    mean: Mean = None,
    std: Std = None,
    mode: Mode = None,
    batch_size: Annotated[int, typer.Option(help="Samples per batch.", min=1)] = 32,
    device: Annotated[
        str | None, typer.Option(help="Device, such as cpu, cuda or cuda:1.", show_default="cuda if available")
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    stall_timeout: StallTimeout = 600.0,
    limit: Annotated[int | None, typer.Option(help="Number of samples to explain, spread evenly.", min=1)] = None,
    modality: Annotated[
        str | None,
        typer.Option(
            help="Modality: image, series, text, table or volume.", show_default="inferred from the shape of the data"
        ),
    ] = None,
    features: Annotated[str | None, typer.Option(help="Names of columns or channels, separated by commas.")] = None,
    rate: Annotated[
        float | None, typer.Option(help="Sampling rate of series in positions per second, such as 16000.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Length of the series of a folder of WAV files: longer ones are cut, shorter ones padded with zeros.",
            show_default="that of all files",
        ),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            help="Tokenizer of the texts, which names their tokens and splits texts: a folder saved by Hugging Face, a "
            "tokenizer.json, or a vocabulary with one token in each line."
        ),
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(
            help="Input to explain of samples with several: its name in the model's forward.",
            show_default="an image, ids of tokens, or the first floats",
        ),
    ] = None,
    no_inputs: Annotated[bool, typer.Option("--no-inputs", help="Do not store the inputs in the run.")] = False,
    seed: Seed = 0,
    on_unknown: OnUnknown = "warn",
) -> int:
    """Explain every prediction of a model over a data set; repeated, the command continues an interrupted run."""
    from whyset import runner

    chosen = make_engine(engine, workers, scheduler)
    given_labels = None if labels is None else runner.Labels.read(labels)
    run = runner.explain(
        runner.ModelSource(model, weights, preprocessing_fields(size, mean, std, mode)),
        _existing(data) if seconds is None else runner.WavFolderSource(_existing(data), given_labels, seconds),
        out,
        composite=runner.NamedComposite(composite, on_unknown),
        method=_make_method(method, method_option or ()),
        engine=chosen,
        targets=target or None,
        output=int(output) if output is not None and output.isdecimal() else output,
        output_kind=_make_kind(output_kind, output_option or ()),
        layers=layer or (),
        concepts=concept or (),
        dtype=dtype,
        reduction=reduction,
        pool=pool,
        class_names=given_labels,
        batch_size=batch_size,
        device=device,
        inputs=not no_inputs,
        seed=seed,
        limit=limit,
        modality=modality,
        features=None if features is None else features.split(","),
        rate=rate,
        tokens=tokenizer,
        input=int(input) if input is not None and input.isdecimal() else input,
        stall_timeout=stall_timeout,
        progress=choose_display(),
    )
    return report_completion(run, chosen.share)


def _make_method(name: str | None, options: Sequence[str]) -> "Method | None":
    """Make the method of `--method` with its options."""
    from whyset.attribution.methods import find_method, parse_options

    if name is not None:
        return parse_options(find_method(name), options)
    if options:
        raise InputError(
            f"--method-option {options[0]} is a parameter of --method, which is missing: add --method NAME"
        )
    return None


def _make_kind(name: str, options: Sequence[str]) -> "OutputKind":
    """Make the kind of `--output-kind` with its options."""
    from whyset.attribution.methods import parse_options
    from whyset.runner.output_kinds import as_output_kind

    return parse_options(type(as_output_kind(name)), options, "--output-option")


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


def _existing(data: Path) -> Path:
    """Check that the data exists before the model is loaded."""
    if not data.exists():
        raise InputError(f"data {data} does not exist")
    return data
