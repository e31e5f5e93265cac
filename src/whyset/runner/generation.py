"""The rows of a run of a language model: one for each token that it generates after the prompts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.activity import Activity
from whyset.runner.equal_lengths import split_by_length
from whyset.runner.located_rows import label_columns, read_all, read_columns
from whyset.runner.output_kinds import Tokens
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Batch
from whyset.runner.rows import Rows
from whyset.runner.score_model import select
from whyset.runner.sources import UNKNOWN, RowSource, Source
from whyset.runner.sources.input_choice import MASK, TYPES
from whyset.runner.sources.source import get_structure
from whyset.runner.sources.structure import Structure
from whyset.runner.structured_model import StructuredModel, get_inner
from whyset.store.layout import POSITION, PROMPT, TOKEN
from whyset.store.remote import AnyPath


@dataclass(frozen=True)
class Continuation:
    """The length of a prompt, and the tokens generated after it."""

    start: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class GeneratedSource(RowSource):
    """Rows whose inputs are prompts with the tokens generated after them; `found` has those of each prompt."""

    n_tokens: int = field(default=0, kw_only=True)
    found: Mapping[int, Continuation] = field(default_factory=dict, kw_only=True)

    @cached_property
    def structure(self) -> Structure | None:
        whole = get_structure(self.whole)
        return None if whole is None else whole.lengthen(self.n_tokens)

    def _choose(self, x: Tensor, index: int) -> tuple[Tensor, int | None]:
        found = self.found.get(int(self.samples[index]))
        if found is None:
            raise InputError(
                f"no tokens were generated after this prompt {tuple(x.shape)}: it could not be read then, or has "
                "another length than most prompts"
            )
        tokens, whole = torch.tensor(found.tokens), get_structure(self.whole)
        if whole is None or self.structure is None:
            return super()._choose(torch.cat([x, tokens.to(x.dtype)]), index)
        alone = drop_padding_before(whole, x[None])
        values = continue_text(whole, whole.unpack(alone, torch.float64), tokens[None])
        return super()._choose(self.structure.pack({name: value[0] for name, value in values.items()}), index)


def find_tokens(
    model: torch.nn.Module,
    source: Source,
    wanted: OutputSpec,
    names: Sequence[str],
    shape: tuple[int, ...],
    kept: AnyPath | None = None,
    activity: Activity | None = None,
) -> Rows:
    """Return one row for each token that the model generates after the prompts of a source, ids (T,).

    `names` are those of the tokens. A run that is continued or repeated, `kept`, has its tokens in its table of
    samples: they are read from there, so that rounding on another device does not change its rows. A prompt that cannot
    be read has a row, which fails.

    InputError: inputs are not ids of tokens, or layers are recorded for prompts of different lengths.
    """
    assert isinstance(wanted.kind, Tokens)
    kind = wanted.kind
    found = _read_tokens(kept, source, kind)
    if found is None:
        found = dict(_generate_all(model, wanted, read_all(model, source, shape, activity), kind))
    _require_one_length(found, wanted)
    rows = [(sample, place) for sample in range(len(source)) for place in range(_count(found.get(sample), kind))]
    rows = sorted([*rows, *((sample, -1) for sample in range(len(source)) if sample not in found)])
    note = f"{len(rows):,} rows explain the tokens generated after {len(source):,} prompts"
    failing = len(source) - len(found)
    return Rows(
        _make_source(source, found, rows, kind, names),
        note + (f"; {failing:,} prompts cannot be read, and their rows fail" if failing else ""),
    )


def _require_one_length(found: Mapping[int, Continuation], wanted: OutputSpec) -> None:
    recorded = (*wanted.places, *wanted.records)
    lengths = sorted({one.start for one in found.values()})
    if recorded and len(lengths) > 1:
        raise InputError(
            f"output_kind tokens: {recorded[0]} cannot be recorded for prompts of {lengths[0]} to {lengths[-1]} "
            "tokens: leave layers, concepts and records out (--layer, --concept, --record), or make one run for the "
            "prompts of each length"
        )


def _generate_all(
    model: torch.nn.Module, wanted: OutputSpec, batches: Iterable[tuple[Batch, Tensor]], kind: Tokens
) -> Iterator[tuple[int, Continuation]]:
    """Yield the length and the tokens of each readable prompt by its number."""
    inner = select(get_inner(model), wanted.choice)
    for batch, x in batches:
        if not batch.indices:
            continue
        x = drop_padding_before(model.structure, x) if isinstance(model, StructuredModel) else x
        for part in split_by_length(model, kind, x):
            run, ids = _make_call(model, inner, x[part])
            for place, tokens in zip(part.tolist(), generate(run, ids, kind).tolist(), strict=True):
                yield batch.indices[place], Continuation(ids.shape[1], tuple(tokens))


def _make_call(model: torch.nn.Module, inner: torch.nn.Module, x: Tensor) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return a function of ids (n, T) with tokens added, and the ids of the prompts, which have one length."""
    if not isinstance(model, StructuredModel):
        return inner, x
    structure, values = model.structure, model.unpack(x)
    ids = values[structure.explained]

    def run(longer: Tensor) -> Tensor:
        logits: Tensor = inner(**continue_text(structure, values, longer[:, ids.shape[1] :]))
        return logits

    return run, ids


def drop_padding_before(structure: Structure, rows: Tensor) -> Tensor:
    """Return rows of texts without the padding before them, where the mask is 0.

    Tokenizers of language models pad there. A model may count positions from the first token that it gets, and would
    then generate other tokens than for the prompt alone.
    """
    if MASK not in (part.name for part in structure.parts if part.follows):
        return rows
    return torch.stack([structure.pack(_drop_before(structure, row[None])) for row in rows.cpu()]).to(rows.device)


def _drop_before(structure: Structure, row: Tensor) -> dict[str, Tensor]:
    """Return the inputs of one row (1, size), in the form in which a row is packed."""
    values = {name: value[0] for name, value in structure.unpack(row, torch.float64).items()}
    first = int((values[MASK] != 0).int().argmax())
    return {part.name: values[part.name][first:] if part.follows else values[part.name] for part in structure.parts}


def continue_text(structure: Structure, values: Mapping[str, Tensor], tokens: Tensor) -> dict[str, Tensor]:
    """Return the inputs (n, ...) of texts with tokens (n, m) added: the mask is 1 there, and the type that of the last.

    InputError: an input with a value for each token has none for generated ones.
    """
    found = dict(values)
    for part in structure.parts:
        value = values[part.name]
        if part.name == structure.explained:
            found[part.name] = torch.cat([value, tokens.to(value)], dim=1)
        elif part.name == MASK:
            found[part.name] = torch.cat([value, torch.ones_like(tokens).to(value)], dim=1)
        elif part.name == TYPES:
            found[part.name] = torch.cat([value, value[:, -1:].expand_as(tokens)], dim=1)
        elif part.follows:
            raise InputError(
                f"output_kind tokens: the input {part.name} has a value for each token, which is not known for "
                f"generated ones: give the ids of the prompts, and at most {MASK} and {TYPES}"
            )
    return found


@torch.no_grad()
def generate(run: Callable[[Tensor], Tensor], ids: Tensor, kind: Tokens) -> Tensor:
    """Generate tokens (n, n_tokens) after prompts (n, T): always that of the highest logit, and `end` after an end.

    `run` returns the logits (n, T, K) of ids.

    InputError: the prompts are not ids of tokens.
    """
    if ids.is_floating_point():
        got = f"{ids.dtype} {tuple(ids.shape[1:])}"
        raise InputError(f"output_kind tokens: expected prompts as ids of tokens, integers (T,), got {got}")
    start = ids.shape[1]
    for _ in range(kind.n_tokens):
        token = _run(run, ids)[:, -1].argmax(dim=1)
        if kind.end is not None:
            token = torch.where((ids[:, start:] == kind.end).any(dim=1), kind.end, token)
        ids = torch.cat([ids, token[:, None].to(ids.dtype)], dim=1)
    return ids[:, start:]


def _run(run: Callable[[Tensor], Tensor], ids: Tensor) -> Tensor:
    """Run the model; InputError, which names the length of the texts, for an error of it."""
    try:
        logits = run(ids)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"output_kind tokens: the model does not accept {ids.shape[1]} tokens ({reason}): give shorter prompts, or "
            "generate fewer tokens by Tokens(n_tokens=...) (--output-option n_tokens=8)"
        ) from error
    if logits.shape[:2] != ids.shape:
        raise InputError(
            f"output_kind tokens: expected logits {(*ids.shape, 'vocabulary')} for ids {tuple(ids.shape)}, got "
            f"{tuple(logits.shape)}: give a causal language model with a logit for each position"
        )
    return logits


def _count(found: Continuation | None, kind: Tokens) -> int:
    """Return the number of tokens that are explained: the first end is the last one."""
    tokens = () if found is None else found.tokens
    return tokens.index(kind.end) + 1 if kind.end in tokens else len(tokens)


def _make_source(
    source: Source,
    found: Mapping[int, Continuation],
    rows: Sequence[tuple[int, int]],
    kind: Tokens,
    names: Sequence[str],
) -> GeneratedSource:
    """Make the rows of (prompt, place of the token); their columns are enough to read the tokens again."""
    ids, samples = source.ids, [sample for sample, _ in rows]
    tokens = [None if place < 0 else found[sample].tokens[place] for sample, place in rows]
    columns: dict[str, Sequence[object]] = {
        PROMPT: [ids[sample] for sample in samples],
        POSITION: [None if place < 0 else found[sample].start + place for sample, place in rows],
        TOKEN: tokens,
    }
    columns |= label_columns(source, samples, kind, names)
    scores = [
        -1 if token is None else place * (kind.n_classes or 1) + token
        for token, (_, place) in zip(tokens, rows, strict=True)
    ]
    return GeneratedSource(
        source,
        np.array(samples, np.int64),
        np.array(scores, np.int64),
        [f"{ids[sample]}#{max(place, 0)}" for sample, place in rows],
        np.full(len(rows), UNKNOWN),
        columns,
        n_tokens=kind.n_tokens,
        found=found,
    )


def _read_tokens(kept: AnyPath | None, source: Source, kind: Tokens) -> dict[int, Continuation] | None:
    """Read the tokens of a run; None if it has none, or not of these prompts: then its configuration differs."""
    table = read_columns(kept, (PROMPT, POSITION, TOKEN))
    if table is None:
        return None
    places = {id: place for place, id in enumerate(source.ids)}
    starts: dict[int, int] = {}
    tokens: dict[int, list[int]] = {}
    columns = (table[name].to_pylist() for name in (PROMPT, POSITION, TOKEN))
    for prompt, position, token in zip(*columns, strict=True):
        if prompt not in places:
            return None
        if token is not None:
            starts.setdefault(places[prompt], position)
            tokens.setdefault(places[prompt], []).append(token)
    fill = 0 if kind.end is None else kind.end
    return {
        sample: Continuation(starts[sample], (*of_one, *[fill] * (kind.n_tokens - len(of_one))))
        for sample, of_one in tokens.items()
    }
