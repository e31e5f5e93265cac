"""Recurrent networks: the equations of their cells, run inside the interception, step by step.

One fused call of torch computes all steps of all layers. Here the same equations run as separate operations (linear,
sigmoid, tanh, sum, product), each with its rule; linear operations get the rule that the composite chooses. The model
receives the values of the fused call, bit for bit; with dropout those of the equations, because the fused call would
draw other masks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whyset.attribution.intercept.autograd import SetValue
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.handlers.transparent import transparent
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import carries_gradient

State = tuple[Tensor, ...]
"""The state of a cell: h, and for an LSTM also c, each (sequences, features)."""


@dataclass(frozen=True)
class _Weights:
    """Parameters of one cell, in the order of torch; those of all gates are concatenated."""

    input: Tensor
    state: Tensor
    input_bias: Tensor | None = None
    state_bias: Tensor | None = None
    projection: Tensor | None = None

    def project_input(self, x: Tensor) -> Tensor:
        return F.linear(x, self.input, self.input_bias)

    def project_state(self, h: Tensor) -> Tensor:
        return F.linear(h, self.state, self.state_bias)

    def project(self, x: Tensor, h: Tensor) -> Tensor:
        return self.project_input(x) + self.project_state(h)


Cell = Callable[[Tensor, State, _Weights], State]
"""Computes the next state from the input of one step, the state, and the weights."""


def _lstm(x: Tensor, state: State, weights: _Weights) -> State:
    h, c = state
    i, f, g, o = weights.project(x, h).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return (h if weights.projection is None else F.linear(h, weights.projection)), c


def _gru(x: Tensor, state: State, weights: _Weights) -> State:
    (h,) = state
    (r_x, z_x, n_x), (r_h, z_h, n_h) = weights.project_input(x).chunk(3, -1), weights.project_state(h).chunk(3, -1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    return ((1 - z) * n + z * h,)


def _rnn_tanh(x: Tensor, state: State, weights: _Weights) -> State:
    return (torch.tanh(weights.project(x, state[0])),)


def _rnn_relu(x: Tensor, state: State, weights: _Weights) -> State:
    return (torch.relu(weights.project(x, state[0])),)


CELLS: dict[str, Cell] = {"lstm": _lstm, "gru": _gru, "rnn_tanh": _rnn_tanh, "rnn_relu": _rnn_relu}

_REST = ("params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
_PADDED = ("input", "hx", *_REST, "batch_first")
_PACKED = ("data", "batch_sizes", "hx", *_REST)
_ONE_STEP = ("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh")


def recurrent(session: Session, call: Call) -> Any:
    """Run a recurrent network or a cell by its equations."""
    relu = session.composite.relu is not None and "relu" in call.name
    if not (session.composite.multiply_by_input or relu):
        return transparent(session, call)  # the plain gradient of the fused call is the same, and faster
    if call.name.endswith("_cell"):
        with session:
            written: Any = _run_cell(call)
        return _set_values(session, written, call.run())
    network = _read(call)
    with session:
        written = network.run()
    return written if network.drops else _set_values(session, written, call.run())


def _run_cell(call: Call) -> Any:
    given = call.arguments(_ONE_STEP)
    weights = _Weights(given["w_ih"], given["w_hh"], given.get("b_ih"), given.get("b_hh"))
    state = CELLS[call.name.removesuffix("_cell")](given["input"], _as_state(given["hx"]), weights)
    return state if len(state) > 1 else state[0]


def _as_state(hx: Any) -> State:
    return (hx,) if isinstance(hx, Tensor) else tuple(hx)


def _set_values(session: Session, written: Any, fused: Any) -> Any:
    """Give the tensors of the equations the values of the fused call."""
    results = [
        _set_value(session, tensor, value) if carries_gradient(tensor) else value
        for tensor, value in zip(tensors_in(written), tensors_in(fused), strict=True)
    ]
    return results[0] if isinstance(fused, Tensor) else tuple(results)


def _set_value(session: Session, tensor: Tensor, value: Tensor) -> Tensor:
    record = session.tracker.get(tensor)
    result: Tensor = SetValue.apply(tensor, value.detach())  # type: ignore[no-untyped-call]
    session.tracker.set(result, replace(record, produced=None, kept=None, aliases=()))
    return result


@dataclass(frozen=True)
class _Group:
    """Sequences of one length in a packed input, which is sorted by length: those from `start` to `stop`.

    They run together, and the others apart, so that the relevance of a sequence does not depend on its companions.
    """

    start: int
    stop: int
    length: int

    def select(self, state: State) -> State:
        whole = (self.start, self.stop) == (0, len(state[0]))
        return state if whole else tuple(part[self.start : self.stop] for part in state)


def _group_by_length(sizes: list[int]) -> list[_Group]:
    """Group sequences, from the number of sequences in each step, which falls; the longest come first."""
    stops = sorted(set(sizes))
    starts = [0, *stops[:-1]]
    return [_Group(a, b, sum(size >= b for size in sizes)) for a, b in zip(starts, stops, strict=True)]


@dataclass(frozen=True)
class _Network:
    """A recurrent network of several layers and directions, with its input.

    The input is (steps, sequences, features) with one group, or, if packed, (values, features): all sequences in the
    first step, then those in the second step, and so on.
    """

    cell: Cell
    x: Tensor
    packed: bool
    groups: list[_Group]
    initial: State
    weights: tuple[_Weights, ...]
    directions: int
    dropout: float
    batch_first: bool

    @property
    def drops(self) -> bool:
        return self.dropout > 0 and len(self.weights) > self.directions

    def run(self) -> State:
        """Return the output and the final states, as torch does."""
        x = self.x.transpose(0, 1) if self.batch_first else self.x
        finals: list[State] = []
        for first in range(0, len(self.weights), self.directions):
            if first and self.drops:
                x = F.dropout(x, self.dropout)
            outputs = []
            for index in range(first, first + self.directions):
                output, final = self._run_direction(x, index, backward=index > first)
                outputs.append(output)
                finals.append(final)
            x = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
        output = x.transpose(0, 1) if self.batch_first else x
        return output, *(torch.stack(parts) for parts in zip(*finals, strict=True))

    def _run_direction(self, x: Tensor, index: int, backward: bool) -> tuple[Tensor, State]:
        initial, order = tuple(state[index] for state in self.initial), -1 if backward else 1
        outputs, finals = [], []
        for group, steps in zip(self.groups, self._split(x), strict=True):
            hidden, state = [], group.select(initial)
            for step in steps[::order]:
                state = self.cell(step, state, self.weights[index])
                hidden.append(state[0])
            outputs.append(hidden[::order])
            finals.append(state)
        final = finals[0] if len(finals) == 1 else tuple(torch.cat(parts) for parts in zip(*finals, strict=True))
        return self._join(outputs), final

    def _split(self, x: Tensor) -> list[list[Tensor]]:
        """Return the steps of each group."""
        if not self.packed:
            return [list(x.unbind())]
        steps: list[list[Tensor]] = [[] for _ in self.groups]
        places = self._places()
        for k, part in zip(places, x.split([self.groups[k].stop - self.groups[k].start for k in places]), strict=True):
            steps[k].append(part)
        return steps

    def _join(self, outputs: list[list[Tensor]]) -> Tensor:
        """Invert `_split`."""
        if not self.packed:
            return torch.stack(outputs[0])
        waiting = [iter(steps) for steps in outputs]
        return torch.cat([next(waiting[k]) for k in self._places()])

    def _places(self) -> list[int]:
        """Return the number of the group of each part of a packed tensor, step by step."""
        longest = max(group.length for group in self.groups)
        return [k for step in range(longest) for k, group in enumerate(self.groups) if step < group.length]


def _read(call: Call) -> _Network:
    """Read the arguments of a fused call; those of a packed input have another order."""
    packed = "batch_sizes" in call.kwargs or isinstance(call.argument(3, ""), list | tuple)
    given = call.arguments(_PACKED if packed else _PADDED)
    directions = 2 if given["bidirectional"] else 1
    initial = _as_state(given["hx"])
    return _Network(
        CELLS[call.name],
        given["data" if packed else "input"],
        packed,
        _group_by_length(given["batch_sizes"].tolist() if packed else [initial[0].shape[1]]),
        initial,
        _group_weights(given["params"], given["has_biases"], given["num_layers"] * directions),
        directions,
        given["dropout"] if given["train"] else 0.0,
        not packed and given["batch_first"],
    )


def _group_weights(parameters: Sequence[Tensor], biases: bool, cells: int) -> tuple[_Weights, ...]:
    """Group the flat list of parameters by cells; a projection is the last of its cell."""
    size = len(parameters) // cells
    return tuple(
        _Weights(
            parameters[at],
            parameters[at + 1],
            parameters[at + 2] if biases else None,
            parameters[at + 3] if biases else None,
            parameters[at + size - 1] if size % 2 else None,
        )
        for at in range(0, len(parameters), size)
    )
