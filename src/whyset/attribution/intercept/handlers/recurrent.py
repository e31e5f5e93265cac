"""Recurrent networks: the equations of their cells, run inside the interception, step by step.

One fused call of torch computes all steps of all layers. Here the same equations run as separate operations (linear,
sigmoid, tanh, sum, product), each with its rule; linear operations get the rule that the composite chooses. The model
receives the values of the fused call, bit for bit.
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


_CELLS: dict[str, Cell] = {"lstm": _lstm, "gru": _gru, "rnn_tanh": _rnn_tanh, "rnn_relu": _rnn_relu}

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
    # A second call would drop other values.
    return written if network.drops else _set_values(session, written, call.run())


def _run_cell(call: Call) -> Any:
    given = call.arguments(_ONE_STEP)
    weights = _Weights(given["w_ih"], given["w_hh"], given.get("b_ih"), given.get("b_hh"))
    state = _CELLS[call.name.removesuffix("_cell")](given["input"], _as_state(given["hx"]), weights)
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
class _Network:
    """A recurrent network of several layers and directions, with its input.

    `sizes` is None for an input (steps, sequences, features), and the number of sequences in each step for a packed
    input (values, features), in which sequences are sorted by length.
    """

    cell: Cell
    x: Tensor
    sizes: list[int] | None
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
        weights, initial = self.weights[index], tuple(state[index] for state in self.initial)
        steps = x.unbind() if self.sizes is None else x.split(self.sizes)
        outputs, final = _scan(self.cell, steps[::-1] if backward else steps, initial, weights)
        outputs = outputs[::-1] if backward else outputs
        return (torch.stack(outputs) if self.sizes is None else torch.cat(outputs)), final


def _scan(cell: Cell, steps: Sequence[Tensor], initial: State, weights: _Weights) -> tuple[list[Tensor], State]:
    """Run a cell over time.

    In a packed input the number of sequences falls from step to step, and backward in time it rises: the last sequences
    end before, or begin after, the others.
    """
    state, ended, outputs = _rows(initial, 0, 0), [], []
    for x in steps:
        before, now = len(state[0]), len(x)
        if now < before:
            ended.append(_rows(state, now, before))
            state = _rows(state, 0, now)
        # Sequences that begin are computed apart: their states may be constants, and those of the others are not.
        running = [cell(_part(x, 0, min(before, now)), state, weights)] if before else []
        begun = [cell(_part(x, before, now), _rows(initial, before, now), weights)] if now > before else []
        state = _concatenate([*running, *begun])
        outputs.append(state[0])
    return outputs, _concatenate([state, *ended[::-1]])


def _rows(state: State, start: int, stop: int) -> State:
    return tuple(_part(tensor, start, stop) for tensor in state)


def _part(tensor: Tensor, start: int, stop: int) -> Tensor:
    return tensor if (start, stop) == (0, len(tensor)) else tensor[start:stop]


def _concatenate(states: list[State]) -> State:
    return states[0] if len(states) == 1 else tuple(torch.cat(parts) for parts in zip(*states, strict=True))


def _read(call: Call) -> _Network:
    """Read the arguments of a fused call; those of a packed input have another order."""
    packed = "batch_sizes" in call.kwargs or isinstance(call.argument(3, ""), list | tuple)
    given = call.arguments(_PACKED if packed else _PADDED)
    directions = 2 if given["bidirectional"] else 1
    return _Network(
        _CELLS[call.name],
        given["data" if packed else "input"],
        given["batch_sizes"].tolist() if packed else None,
        _as_state(given["hx"]),
        _group(given["params"], given["has_biases"], given["num_layers"] * directions),
        directions,
        given["dropout"] if given["train"] else 0.0,
        not packed and given["batch_first"],
    )


def _group(parameters: Sequence[Tensor], biases: bool, cells: int) -> tuple[_Weights, ...]:
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
