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
    from whyset.engines import Share
    from whyset.store import Run

EXAMPLE = "whyset explain --model net.py:resnet --weights net.pt --data images --out runs/mine"
NAMED = 5


def explain(
    model: Model,
    data: Annotated[
        Path,
        typer.Option(
            help="Images as <class>/<image>, or a flat folder without labels; an .npy, .npz or .h5 file; or a saved "
            "Hugging Face data set."
        ),
    ],
    out: Annotated[str, typer.Option(help="The run: a folder or a URL; made, or continued if it is the same run.")],
    weights: Weights = None,
    composite: Annotated[
        str,
        typer.Option(
            help="Rules to explain by, see whyset composites; gradient: no rule; auto: attn_lrp for attention, "
            "epsilon_plus_flat for convolutions on images, else epsilon_plus."
        ),
    ] = "auto",
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="What is explained: label (the default), prediction, the index of an output, or top:K. Given several "
            "times: a map for each."
        ),
    ] = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Keep the relevance of this layer, too, such as layer3; repeatable.")
    ] = None,
    concept: Annotated[
        list[str] | None, typer.Option(help="Keep this layer's relevance summed for every channel; repeatable.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="Of the stored maps: float16, with a scale each, or float32.")] = "float16",
    reduction: Annotated[str, typer.Option(help="none, or channel_sum: store the sum over the channels.")] = "none",
    pool: Annotated[
        int | None, typer.Option(help="Pool maps, keeping their sum, so that the longer side is this.", min=1)
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="JSON with the names of the model's outputs.")] = None,
    size: Size = None,
    mean: Mean = None,
    std: Std = None,
    mode: Mode = None,
    batch_size: Annotated[int, typer.Option(help="Samples per batch.", min=1)] = 32,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1 ...; by default cuda where there is one.")
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    stall_timeout: StallTimeout = 600.0,
    limit: Annotated[int | None, typer.Option(help="Take so many samples, spread evenly.", min=1)] = None,
    modality: Annotated[
        str | None, typer.Option(help="image, series, text or table; the shape of the data tells otherwise.")
    ] = None,
    features: Annotated[str | None, typer.Option(help="Names of columns or channels, with commas.")] = None,
    rate: Annotated[float | None, typer.Option(help="Positions of a series per second, such as 16000.")] = None,
    no_inputs: Annotated[bool, typer.Option("--no-inputs", help="Do not keep the images beside the maps.")] = False,
    seed: Seed = 0,
    on_unknown: OnUnknown = "warn",
) -> int:
    """Explain every prediction of a model over a data set; done again, it continues where it stopped."""
    from whyset import runner

    chosen = make_engine(engine, workers, scheduler)
    run = runner.explain(
        runner.ModelSource(model, weights, preprocessing_fields(size, mean, std, mode)),
        _existing(data),
        out,
        composite=runner.NamedComposite(composite, on_unknown),
        engine=chosen,
        targets=target or None,
        layers=layer or (),
        concepts=concept or (),
        dtype=dtype,
        reduction=reduction,
        pool=pool,
        class_names=None if labels is None else runner.Labels.read(labels),
        batch_size=batch_size,
        device=device,
        inputs=not no_inputs,
        seed=seed,
        limit=limit,
        modality=modality,
        features=None if features is None else features.split(","),
        rate=rate,
        stall_timeout=stall_timeout,
        progress=choose_display(),
    )
    return report_completion(run, chosen.share)


def report_completion(run: "Run", share: "Share") -> int:
    """Say whether this process's part of the run is complete, what others still have to do, and what comes next."""
    pending = run.pending_shards()
    mine = share.of(pending)
    if mine:
        missing = f"{_samples(run, mine):,} of {run.sample_count:,} samples are missing"
        echo(f"{missing}; the same command again tries them again")
        return PARTLY_DONE
    if pending:
        ranks = sorted({shard % share.world for shard in pending})
        who = ", ".join(map(str, ranks[:NAMED])) + (f" and {len(ranks) - NAMED} more" if len(ranks) > NAMED else "")
        echo(
            f"rank {share.rank} of {share.world} has done its part; {_samples(run, pending):,} of {run.sample_count:,} "
            f"samples are left to rank{'s' if len(ranks) > 1 else ''} {who}"
        )
        return 0
    echo(f"{run.path} is complete; go on with: {command('analyze', run.path)}")
    return 0


def _samples(run: "Run", shards: Sequence[int]) -> int:
    """How many samples lie in these shards; each has a row for every target."""
    rows = sum(stop - start for start, stop in map(run.shard_range, shards))
    return rows // run.config.targets_per_sample


def _existing(data: Path) -> Path:
    """Refuse a path where nothing lies before the model is read."""
    if not data.exists():
        raise InputError(f"data folder {data} does not exist")
    return data
