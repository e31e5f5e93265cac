"""Integer inputs, such as ids of tokens: the tensors derived from them, and the embeddings where relevance ends.

Whatever a torch function computes from an integer input is followed, until it is embedded: looked up in a table that
does not depend on the input. Comparisons, positions and counts are masks, which are constants. Everything else that
would turn ids into values is refused, since their relevance would disappear.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.operations import Arithmetic, Integers, Operation
from whyset.attribution.intercept.refusals import is_transformed, unwrap_transformed
from whyset.attribution.intercept.tensor_map import TensorMap
from whyset.errors import InputError

Key = int | str


class Kind(StrEnum):
    """What the values of a tensor derived from integer inputs are."""

    IDS = "ids"  # values of the input, changed or not
    FLAGS = "flags"  # zeros and ones of an integer input as floating point numbers: a mask or a category
    MASK = "mask"  # comparisons, counts and positions


@dataclass(frozen=True)
class Followed:
    """A tensor derived from integer inputs: the inputs whose values it holds, and their kind."""

    sources: frozenset[Key]
    kind: Kind

    @property
    def is_mask(self) -> bool:
        return self.kind is not Kind.IDS


@dataclass(frozen=True, eq=False)
class Embedded:
    """An embedding of an integer input: the input, the place in the model, and the tensor where relevance ends."""

    key: Key
    place: str
    tensor: Tensor


@dataclass
class IntegerInputs:
    """The integer inputs of one call and the tensors derived from them; `embedded` collects their embeddings."""

    model: nn.Module | None = None
    embedded: list[Embedded] = field(default_factory=list)
    _inputs: dict[Key, Tensor] = field(default_factory=dict)
    _records: TensorMap[Followed] = field(default_factory=TensorMap)
    _parameters: dict[int, str] = field(default_factory=dict)

    def add(self, key: Key, tensor: Tensor) -> None:
        """Follow an input from here on."""
        if not self._inputs and self.model is not None:
            named = {_address(parameter): name for name, parameter in self.model.named_parameters()}
            self._parameters = {address: name for address, name in named.items() if address}
        self._inputs[key] = tensor
        self._records[tensor] = Followed(frozenset([key]), Kind.MASK if tensor.dtype == torch.bool else Kind.IDS)

    def __bool__(self) -> bool:
        return bool(self._inputs)

    def find(self, tensor: Tensor) -> Followed | None:
        """Return the record of a tensor; None if it does not derive from an integer input."""
        if is_transformed():
            tensor = unwrap_transformed(tensor)
        found = self._records.get(tensor)
        if found is None and tensor._base is not None:
            found = self._records.get(tensor._base)
        return found if found is not None or tensor.is_floating_point() else self._find_by_memory(tensor)

    def _find_by_memory(self, tensor: Tensor) -> Followed | None:
        """Find a tensor that shares the memory of an input, as one that went through NumPy."""
        address = _address(tensor)
        return next(
            (self._records.get(known) for known in self._inputs.values() if address and _address(known) == address),
            None,
        )

    def find_all(self, value: Any) -> dict[int, tuple[Tensor, Followed]]:
        """Return the followed tensors in a nested value by `id`, with their records."""
        records = ((tensor, self.find(tensor)) for tensor in tensors_in(value))
        return {id(tensor): (tensor, record) for tensor, record in records if record is not None}

    def follow(
        self, operation: Operation, args: Sequence[Any], kwargs: dict[str, Any], result: Any, writes: bool
    ) -> None:
        """Follow the result of a function of followed tensors, none of which depend on a floating point input.

        `writes`: the function writes into its first argument.
        """
        if Integers.CREATES in operation.integers:
            return
        like, new = Integers.LIKE in operation.integers, operation.name == "new_tensor"
        found = self.find_all(args[:1] if like else args[1:] if new else (args, kwargs))
        if not found:
            return
        values = self._find_values(operation, args, kwargs, found)
        ids = [(tensor, record) for tensor, record in values.values() if record.kind is Kind.IDS]
        sources = frozenset().union(*(record.sources for _, record in ids or found.values()))
        for tensor in self._outputs(result, args, writes):
            self._records[tensor] = Followed(
                sources, self._find_kind(operation, tensor, [known for known, _ in ids], values)
            )

    def _find_values(
        self,
        operation: Operation,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        found: dict[int, tuple[Tensor, Followed]],
    ) -> dict[int, tuple[Tensor, Followed]]:
        """Return the followed tensors whose values a call returns, without those that only say where values are."""
        if Integers.LOOKUP in operation.integers:
            tables = {key: known for key, known in found.items() if known[0].is_floating_point()}
            return tables or found
        values = self.find_all(_select_values(operation, args, kwargs))
        return {key: known for key, known in found.items() if key in values}

    def _find_kind(
        self, operation: Operation, result: Tensor, ids: Sequence[Tensor], found: dict[int, tuple[Tensor, Followed]]
    ) -> Kind:
        """Return the kind of the result of a function of the `found` tensors, of which some are `ids`."""
        if result.dtype == torch.bool or Integers.POSITIONS in operation.integers:
            return Kind.MASK
        if any(record.kind is Kind.FLAGS for _, record in found.values()) and not ids:
            return Kind.FLAGS
        sums = Integers.SUM in operation.integers
        if ids and not ((sums or result.is_floating_point()) and all(map(is_binary, ids))):
            return Kind.IDS
        return Kind.FLAGS if ids and not sums and operation.name != "one_hot" else Kind.MASK

    def _outputs(self, result: Any, args: Sequence[Any], writes: bool) -> Iterator[Tensor]:
        for tensor in tensors_in((result, args[0]) if writes and args else result):
            yield tensor
            if writes and tensor._base is not None:
                yield tensor._base

    def looks_up(self, operation: Operation, args: Sequence[Any], kwargs: dict[str, Any]) -> frozenset[Key]:
        """Return the inputs whose ids a call looks up in a table of floating point numbers; empty for other calls.

        A table that derives from integers itself, such as the degrees of the nodes of a graph, is a constant.
        """
        if Integers.LOOKUP not in operation.integers:
            return frozenset()
        tensors = tensors_in((args, kwargs))
        if not any(tensor.is_floating_point() and self.find(tensor) is None for tensor in tensors):
            return frozenset()
        ids = [(tensor, self.find(tensor)) for tensor in tensors if not tensor.is_floating_point()]
        return frozenset().union(*(found.sources for _, found in ids if found is not None and not found.is_mask))

    def name_table(self, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
        """Return the name of the parameter that a call looks up, "" for other tables."""
        tables = (t for t in tensors_in((args, kwargs)) if t.is_floating_point())
        return next((self._parameters[_address(t)] for t in tables if _address(t) in self._parameters), "")

    def choose_source(self, sources: frozenset[Key], place: str) -> Key:
        """Return the input that an embedding belongs to.

        InputError: its ids derive from several inputs. Inputs of only 0 and 1 are taken as masks of the others.
        """
        if len(sources) > 1:
            sources = frozenset(key for key in sources if not is_binary(self._inputs[key])) or sources
        if len(sources) > 1:
            names = " and ".join(sorted(map(repr, sources)))
            raise InputError(
                f"{place}: the embedded ids derive from the inputs {names} at once, so their relevance cannot be told "
                "apart: combine these before the call, and pass the result as one input"
            )
        return next(iter(sources))

    def refuse_values(
        self, operation: Operation, place: str, args: Sequence[Any], kwargs: dict[str, Any], dependent: Sequence[Tensor]
    ) -> None:
        """Raise an InputError if a call uses ids as values, so that their relevance would disappear.

        `dependent` are the arguments that depend on a marked input. Masks may scale or shift values, ids may divide
        them: both are constants. The product of a mask or one-hot rows with weights is an embedding in other words.
        """
        found = self.find_all(_select_values(operation, args, kwargs))
        if not found:
            return
        weights = [t for t in tensors_in((args, kwargs)) if id(t) not in found and self._is_weight(t)]
        arithmetic = Integers.ARITHMETIC in operation.integers
        contracted = Integers.CONTRACTS in operation.integers and not dependent
        if weights and (contracted or self._scales_parameter(operation, weights, found)):
            raise self._refuse(place, found, "multiplied by weights")
        values = {
            key: (tensor, record)
            for key, (tensor, record) in found.items()
            if not record.is_mask and (tensor.is_floating_point() or arithmetic) and not is_binary(tensor)
        }
        if values and (dependent or (weights and arithmetic)):
            raise self._refuse(place, values, "used as values")

    def _scales_parameter(
        self, operation: Operation, weights: Sequence[Tensor], found: dict[int, tuple[Tensor, Followed]]
    ) -> bool:
        """Check if a category of 0 and 1 scales a parameter, which is an embedding of two rows, one of them zero."""
        parameters = any(_address(tensor) in self._parameters for tensor in weights)
        if operation.arithmetic is not Arithmetic.MULTIPLY or not parameters:
            return False
        return any(record.kind is not Kind.MASK for _, record in found.values())

    def _refuse(self, place: str, found: dict[int, tuple[Tensor, Followed]], what: str) -> InputError:
        sources = sorted(frozenset().union(*(record.sources for _, record in found.values())), key=repr)
        names = " and ".join(f"input {key!r}" for key in sources)
        return InputError(
            f"{place}: integers of {names} are {what} without an embedding, so no relevance could be given to them. "
            "Use F.embedding(ids, weight) or weight[ids] in place of one-hot rows times a weight, pass numbers as a "
            "floating point input, and wrap the model in a module that holds constants such as positions"
        )

    def _is_weight(self, tensor: Tensor) -> bool:
        return tensor.is_floating_point() and (tensor.requires_grad or _address(tensor) in self._parameters)

    def relevance_places(self) -> dict[Key, dict[str, Tensor]]:
        """Return the embeddings of every input by their places; repeated places are numbered."""
        places: dict[Key, dict[str, Tensor]] = {}
        for one in self.embedded:
            known = places.setdefault(one.key, {})
            count = sum(place == one.place or place.startswith(f"{one.place} #") for place in known)
            known[one.place if not count else f"{one.place} #{count + 1}"] = one.tensor
        return places


def is_binary(tensor: Tensor) -> bool:
    """Check if all values are 0 or 1."""
    return tensor.dtype == torch.bool or bool(((tensor == 0) | (tensor == 1)).all())


def _select_values(operation: Operation, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return the arguments of a call that it uses as values, without denominators and indices."""
    if Integers.RECIPROCAL in operation.integers:
        return ()
    if Integers.QUOTIENT in operation.integers:
        return args[:1]
    named = {key: value for key, value in kwargs.items() if key not in ("index", "indices")}
    if Integers.SCATTERS in operation.integers:
        return (args[:2], args[3:], named)
    return (args[:1], args[2:], named) if Integers.ASSIGNS in operation.integers else (args, kwargs)


def _address(tensor: Tensor) -> int:
    """Return the address of the memory of a tensor, 0 for a tensor without memory."""
    if is_transformed() or tensor.layout != torch.strided or tensor.is_meta:
        return 0
    return tensor.untyped_storage().data_ptr()
