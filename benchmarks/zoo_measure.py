"""What is measured of one model of the zoo, as a program: a JSON object that grows by stages, for one name.

    python benchmarks/zoo_measure.py small/u-net record.json

`zoo.py` runs it for each model, under limits of time and memory. The file is written again after every stage, so that
a stage that fails or takes too long loses nothing before it.
"""

import argparse
import copy
import json
import resource
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
import zoo_peers
import zoo_zennit
from measuring import Prepared, interleaved_times, ratio
from torch import Tensor, nn
from zoo_models import Built, list_entries
from zoo_rewrites import REWRITES, NotApplicableError

from whyset.attribution import Cause, Gradient, Ledger
from whyset.attribution.composites import AttnLRP, Composite, EpsilonPlusFlat
from whyset.errors import WhysetError

COMPOSITES: dict[str, Composite] = {"AttnLRP": AttnLRP(), "EpsilonPlusFlat": EpsilonPlusFlat()}
ROUNDS = 3
STAGES = ("maps", "times", "ledger", "rewrites", "zennit", "peers")
SAME_OUTPUT = 1e-4  # of the largest output: a rewriting that changes the output by more is another function
Record = dict[str, Any]


def measure(
    built: Built, build: Callable[[], Built], save: Callable[[Record], None], stages: Collection[str] = STAGES
) -> Record:
    """Measure a model by each of the composites, and save the record after every part of a stage.

    `build` makes the same model again, for what changes its classes.
    """
    model, x = built.model, built.x
    record: Record = {"variant": built.variant, "shape": list(x.shape), "stage": "maps", "maps": {}}
    record["parameters"] = sum(p.numel() for p in model.parameters())
    record["output"], target, record["gradient"] = measure_gradient(model, x)
    for name, composite in COMPOSITES.items():
        save(record)
        record["maps"][name] = explain(model, x, composite, target)
    runs = {name: COMPOSITES[name] for name, of in record["maps"].items() if of["outcome"] == "runs"}
    if runs and "times" in stages:
        save(record | {"stage": "times"})
        record["times"] = measure_times(model, x, runs, target)
    model, x = _to_double(model, x)
    for name in runs if "ledger" in stages else ():
        save(record | {"stage": "ledger"})
        record["maps"][name]["ledger"] = _attempt(partial(account, model, x, runs[name], target))
    record["rewrites"] = {}
    for rewrite in REWRITES if runs and "rewrites" in stages else ():
        save(record | {"stage": rewrite})
        record["rewrites"][rewrite] = compare(model, x, rewrite, runs, target)
    if "EpsilonPlusFlat" in runs and "zennit" in stages:
        record["zennit"] = {}
        for part in measure_zennit(built, model, x, target):
            record["zennit"] |= part
            save(record | {"stage": "zennit"})
    if "AttnLRP" in runs and "peers" in stages:
        for peer in zoo_peers.PEERS:
            save(record | {"stage": peer})
            record[peer] = {"outcome": "runs"} | _attempt(partial(_compare_peer, peer, build, model, x, target))
    save(record | {"stage": "done"})
    return record


def _to_double(model: nn.Module, x: Tensor) -> tuple[nn.Module, Tensor]:
    """Return the model and its input in float64, or as they are if an operation of the model has no float64."""
    double, x64 = copy.deepcopy(model).double(), x.double() if x.is_floating_point() else x
    try:
        with torch.no_grad():
            double(x64.clone())
    except RuntimeError:
        return model, x
    return double, x64


def measure_gradient(model: nn.Module, x: Tensor) -> tuple[float, int, Record]:
    """Return the largest output, its index, and the largest value of gradient x input in multiples of it."""
    output, leaves = run_with_leaves(model, x)
    value, target = float(output.detach().max()), int(output.flatten(1).argmax())
    if not leaves:  # the model embeds other ids than those that it gets
        return value, target, {}
    gradients = torch.autograd.grad(output.max(), leaves)
    products = [float((g * t.detach()).abs().max()) for g, t in zip(gradients, leaves, strict=True)]
    return value, target, {"largest": max(products) / abs(value)}


def run_with_leaves(model: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return the output, and the leaves of its graph: the input, or the embeddings of ids."""
    inputs: list[Tensor] = [x.clone().requires_grad_()] if x.is_floating_point() else []

    def keep(_: nn.Module, given: tuple[Any, ...], result: Tensor) -> Tensor | None:
        # Some models transpose the ids before they embed them.
        if not given or not isinstance(given[0], Tensor) or not torch.equal(given[0].flatten().sort()[0], ids):
            return None
        inputs.append(result.detach().requires_grad_())
        return inputs[-1].clone()

    ids = x.flatten().sort()[0]
    embeddings = () if inputs else [m for m in model.modules() if isinstance(m, nn.Embedding)]
    handles = [module.register_forward_hook(keep) for module in embeddings]
    with torch.enable_grad():
        output = model(inputs[0].clone() if inputs else x)
    for handle in handles:
        handle.remove()
    return output, inputs


def explain(model: nn.Module, x: Tensor, composite: Composite, target: int) -> Record:
    """Explain one output in float32: what came of it, its largest relevance, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _attempt(lambda: _summarize(*Gradient(model, composite)(x, target)))
    found.setdefault("outcome", "runs")
    return found | {"warnings": sorted({str(warning.message) for warning in caught})}


def join(relevance: Tensor | Mapping[str, Tensor]) -> Tensor:
    """Return all relevance as one vector: a model with several embeddings has that of each."""
    parts = [relevance] if isinstance(relevance, Tensor) else relevance.values()
    return torch.cat([part.flatten() for part in parts])


def _summarize(output: Tensor, given: Tensor | Mapping[str, Tensor]) -> Record:
    value, relevance = float(output.max()), join(given)
    return {
        "largest": float(relevance.abs().max()) / abs(value),
        "finite": bool(relevance.isfinite().all()),
        "zero": not bool(relevance.any()),
    }


def _attempt(work: Callable[[], Record]) -> Record:
    """Run a stage; a refusal or a crash is its result."""
    try:
        return work()
    except WhysetError as error:
        return {"outcome": "refused", "error": f"{type(error).__name__}: {first_line(error)}"}
    except Exception as error:  # any other error is what the zoo is there to find
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
            raise  # the limit is met, which is not a property of the model
        place = _last_place(error)
        return {
            "outcome": "crashed",
            "error": f"{type(error).__name__}: {first_line(error)}" + (f" at {place}" if place else ""),
        }


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _last_place(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if {"whyset", "zennit"} & {*file.parts}:
            place = f"{file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def account(model: nn.Module, x: Tensor, composite: Composite, target: int) -> Record:
    """Account for relevance in float64: shares of the explained output, and the operations that lose it unknown."""
    attribute = Gradient(model, composite)
    with warnings.catch_warnings(), attribute.ledger() as ledger:
        warnings.simplefilter("ignore")
        attribute(x, target)
    lost = ledger.lost()
    scale = ledger.scale or 1.0
    try:
        ledger.assert_accounted()
        closed = True
    except AssertionError:
        closed = False
    shares = {str(cause): lost.get(cause, 0.0) / scale for cause in Cause}
    return {
        "closed": closed,
        "double": next(model.parameters()).dtype == torch.float64,
        "verified": 1 - abs(shares["unknown"]),
        "arrived": ledger.arrived / ledger.output if ledger.output else 0.0,
        "shares": shares,
        "unknown_rows": _unknown_rows(ledger),
        "amplified": _name_amplification(ledger),
    }


def _name_amplification(ledger: Ledger) -> str:
    """Name the operation from which on relevance is larger than gradient times value."""
    row = ledger.find_amplification()
    return "" if row is None else f"{row.operation} in {row.module or 'the model'}"


def _unknown_rows(ledger: Ledger) -> list[list[Any]]:
    """Return the operations whose unknown part is largest: name, module and share of the explained output."""
    scale = ledger.scale or 1.0
    rows = [(row.causes.get(Cause.UNKNOWN, 0.0) / scale, row) for row in ledger.rows]
    rows = sorted((pair for pair in rows if not abs(pair[0]) <= 1e-9), key=lambda pair: -abs(pair[0]))
    return [[row.operation, row.module, share] for share, row in rows[:3]]


def measure_times(model: nn.Module, x: Tensor, runs: dict[str, Composite], target: int) -> Record:
    """Time explanations after the first in their context, in multiples of the plain gradient."""

    def prepared(composite: Composite | None) -> Prepared:
        @contextmanager
        def prepare() -> Iterator[Callable[[], object]]:
            with Gradient(model, composite) as attribute:
                attribute(x, target)
                yield lambda: attribute(x, target)

        return prepare

    ways = {"plain": prepared(None)} | {name: prepared(composite) for name, composite in runs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = interleaved_times(ways, ROUNDS, "cpu", "processor")
    return {name: ratio(times, name, "plain") for name in runs} | {"plain seconds": min(times["plain"])}


def compare(model: nn.Module, x: Tensor, rewrite: str, runs: dict[str, Composite], target: int) -> Record:
    """Compare the maps of a model with those of the same function, written in another way."""
    written, found = write_otherwise(model, x, rewrite)
    for name, composite in runs.items() if written else ():
        found[name] = _attempt(partial(_agreement, model, written, x, composite, target))
    return found


def write_otherwise(model: nn.Module, x: Tensor, rewrite: str) -> tuple[nn.Module | None, Record]:
    """Return the same function written in another way, or None and the reason."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            written = REWRITES[rewrite](copy.deepcopy(model), x)
            one, other = model(x.clone()), written(x.clone())
    except NotApplicableError as error:
        return None, {"outcome": "not applicable", "reason": str(error)}
    except Exception as error:  # the tools that rewrite models fail in many ways
        return None, {"outcome": "not rewritten", "reason": f"{type(error).__name__}: {first_line(error)}"}
    off = float((one - other).abs().max() / one.abs().max())
    if not off <= SAME_OUTPUT:
        return None, {"outcome": "not rewritten", "reason": f"the output differs by {off:.1e}"}
    return written, {"outcome": "compared", "output differs": off}


def _agreement(model: nn.Module, written: nn.Module, x: Tensor, composite: Composite, target: int) -> Record:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other = (join(Gradient(way, composite)(x, target)[1]).double() for way in (model, written))
    return {"correlation": correlate(one, other), "differs": float((one - other).abs().max() / one.abs().max())}


def correlate(one: Tensor, other: Tensor) -> float:
    """Return the correlation of two maps; that of a constant one, up to rounding, is 1 if they are equal, else 0."""
    both = torch.stack([one.flatten(), other.flatten()]).double()
    rounding = 100 * torch.finfo(torch.promote_types(one.dtype, other.dtype)).eps
    if bool((both.std(1) > rounding * both.abs().amax(1)).all()):
        return float(torch.corrcoef(both)[0, 1])
    return float(torch.allclose(both[0], both[1], rtol=rounding, atol=0.0))


def measure_zennit(built: Built, model: nn.Module, x: Tensor, target: int) -> Iterator[Record]:
    """Measure EpsilonPlusFlat of Zennit and ours: in float32, then rewritten as `model`, which is in float64."""
    if reason := zoo_zennit.find_obstacle(built.x):
        yield {"outcome": "skipped", "reason": reason}
        return
    canonizer = zoo_zennit.choose_canonizer(built.model)
    found = _attempt(partial(_compare_zennit, built, target, canonizer))
    yield {"outcome": "runs", "canonizer": type(canonizer).__name__} | found
    if "error" in found:
        yield {"without canonizer": {"outcome": "runs"} | _attempt(partial(_compare_zennit, built, target, None))}
    for rewrite in ("batch norm folded", "functional calls") if "error" not in found else ():
        written, compared = write_otherwise(model, x, rewrite)
        if written is not None:
            compared |= _attempt(partial(_zennit_agreement, model, written, x, target))
        yield {rewrite: compared}


def _compare_zennit(built: Built, target: int, canonizer: Any) -> Record:
    ours = _explain_plainly(built.model, built.x, target)
    output, relevance = zoo_zennit.explain(built.model, built.x, target, canonizer)
    value = float(output.flatten(1)[0, target])
    with torch.no_grad():
        expected = built.model(built.x.clone())
    return {
        # A canonizer may merge layers that only seem to follow each other, which makes another function.
        "output differs": float((output - expected).abs().max() / expected.abs().max()),
        "sum": float(relevance.double().sum()) / value,
        "our sum": float(ours.double().sum()) / value,
        "largest": float(relevance.abs().max()) / abs(value),
        "finite": bool(relevance.isfinite().all()),
        "correlation": correlate(ours, relevance),
    }


def _zennit_agreement(model: nn.Module, written: nn.Module, x: Tensor, target: int) -> Record:
    """Return the correlation between the maps of a model and of its rewriting, of Zennit and of ours."""
    canonizer = zoo_zennit.choose_canonizer(model)  # the rewriting is the same to its user, who takes the same one
    theirs = [zoo_zennit.explain(way, x, target, canonizer)[1] for way in (model, written)]
    ours = [_explain_plainly(way, x, target) for way in (model, written)]
    return {"correlation": correlate(*theirs), "ours": correlate(*ours)}


def _explain_plainly(model: nn.Module, x: Tensor, target: int) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return join(Gradient(model, COMPOSITES["EpsilonPlusFlat"])(x, target)[1]).reshape(x.shape)


def _compare_peer(peer: str, build: Callable[[], Built], model: nn.Module, x: Tensor, target: int) -> Record:
    """Compare the map of another package with that of AttnLRP, both in the dtype of the model."""
    output, relevance = Gradient(model, COMPOSITES["AttnLRP"])(x, target)
    ours, value = join(relevance).double(), float(output.flatten(1)[0, target])
    try:
        if peer == "lxt":
            dtype = next(model.parameters()).dtype
            theirs = zoo_peers.explain_lxt(lambda: build().model.to(dtype), run_with_leaves, x, target).double()
        else:
            theirs = zoo_peers.explain_autolrp(model, x, target).double()
    except NotApplicableError as error:
        return {"outcome": "skipped", "reason": str(error)}
    return {
        "sum": float(theirs.sum()) / value,
        "our sum": float(ours.sum()) / value,
        "largest": float(theirs.abs().max()) / abs(value),
        "our largest": float(ours.abs().max()) / abs(value),
        "finite": bool(theirs.isfinite().all()),
        "correlation": correlate(ours, theirs) if len(ours) == len(theirs) else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("file", type=Path)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--memory", type=float, help="the most address space to take, in GB")
    a = parser.parse_args()
    if a.memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (int(a.memory * 1e9),) * 2)
    start = time.monotonic()

    def save(record: Record) -> None:
        whole = {"name": a.name, **record, "seconds": round(time.monotonic() - start, 1)}
        partial_file = a.file.with_suffix(".partial")
        partial_file.write_text(json.dumps(whole), encoding="utf-8")
        partial_file.replace(a.file)

    save({"stage": "build"})
    torch.set_num_threads(1)
    entry = next(entry for entry in list_entries([a.name.partition("/")[0]]) if entry.name == a.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            built = entry.build()
    except Exception as error:  # a model that cannot be built is a row without figures
        save({"stage": "done", "not_built": f"{type(error).__name__}: {first_line(error)}"})
        return
    measure(built, entry.build, save, a.stages)


if __name__ == "__main__":
    main()
