"""Small models of kinds that the libraries of the zoo lack: recurrent, graphs, operators, dense outputs."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Small = Callable[[], tuple[nn.Module, Tensor]]


class Recurrent(nn.Module):
    """The last state of a fused recurrent layer, classified."""

    def __init__(self, build: Callable[..., nn.Module], directions: int = 1) -> None:
        super().__init__()
        self.memory = build(6, 8, num_layers=2, batch_first=True, bidirectional=directions == 2)
        self.head = nn.Linear(8 * directions, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.memory(x)[0][:, -1])
        return y


class Cells(nn.Module):
    """A recurrent cell, step by step."""

    def __init__(self, build: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.cell, self.head = build(6, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        y: Tensor = self.head(state[0] if isinstance(state, tuple) else state)
        return y


class GatedCell(nn.Module):
    """An LSTM by its equations."""

    def __init__(self) -> None:
        super().__init__()
        self.from_input, self.from_state, self.head = nn.Linear(6, 32), nn.Linear(8, 32), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(x.shape[0], 8)
        for step in x.unbind(1):
            i, f, o, g = (self.from_input(step) + self.from_state(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        y: Tensor = self.head(h)
        return y


class GraphConvolution(nn.Module):
    """Features of nodes, mixed by a normalized adjacency matrix."""

    adjacency: Tensor

    def __init__(self, nodes: int = 12) -> None:
        super().__init__()
        edges = (torch.rand(nodes, nodes) < 0.3).float()
        edges = ((edges + edges.T) > 0).float().fill_diagonal_(1)
        scale = edges.sum(1).rsqrt()
        self.register_buffer("adjacency", scale[:, None] * edges * scale)
        self.first, self.second, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.adjacency @ self.first(x).relu()
        x = torch.einsum("ij,bjf->bif", self.adjacency, self.second(x)).relu()
        y: Tensor = self.head(x.mean(1))
        return y


class GraphAttention(nn.Module):
    """Attention over the neighbors of each node, by edges (gather and index_add)."""

    source: Tensor
    target: Tensor

    def __init__(self, nodes: int = 12, edges: int = 40) -> None:
        super().__init__()
        self.register_buffer("source", torch.randint(nodes, (edges,)))
        self.register_buffer("target", torch.cat([torch.arange(nodes), torch.randint(nodes, (edges - nodes,))]))
        self.lift, self.score, self.head = nn.Linear(6, 16), nn.Linear(32, 1), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.lift(x)
        one, other = h[:, self.source], h[:, self.target]
        weights = F.leaky_relu(self.score(torch.cat([one, other], -1)), 0.2).exp()
        total = torch.zeros_like(h[..., :1]).index_add(1, self.target, weights)
        mixed = torch.zeros_like(h).index_add(1, self.target, weights * one) / total
        y: Tensor = self.head(F.elu(mixed).mean(1))
        return y


class FourierLayer(nn.Module):
    """A linear map of the lowest frequencies, next to a pointwise one."""

    def __init__(self, width: int, modes: int) -> None:
        super().__init__()
        self.modes = modes
        self.weight = nn.Parameter(torch.randn(width, width, modes, dtype=torch.cfloat) / width)
        self.local = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x)
        low = torch.einsum("bim,iom->bom", spectrum[..., : self.modes], self.weight.to(spectrum.dtype))
        return torch.fft.irfft(low, n=x.shape[-1]) + self.local(x)


class FourierOperator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lift, self.project = nn.Conv1d(2, 8, 1), nn.Conv1d(8, 4, 1)
        self.layers = nn.ModuleList(FourierLayer(8, 5) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.lift(x)
        for layer in self.layers:
            x = F.gelu(layer(x))
        y: Tensor = self.project(x).mean(2)
        return y


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class UNet(nn.Module):
    """A U-Net; the output is the mean of each class over the image."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = _block(3, 8), _block(8, 16), _block(16, 16)
        self.up = nn.ConvTranspose2d(16, 16, 2, stride=2)
        self.join1, self.join2, self.head = _block(32, 8), _block(16, 8), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.join1(torch.cat([self.up(c), b], 1))
        b = F.interpolate(b, scale_factor=2, mode="bilinear")
        y: Tensor = self.head(self.join2(torch.cat([b, a], 1))).mean((2, 3))
        return y


class DetectionHead(nn.Module):
    """Scores of anchors on two levels of a feature pyramid, before non-maximum suppression: objectness times class."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deeper = nn.Sequential(_block(3, 8), nn.MaxPool2d(2)), nn.Sequential(_block(8, 16))
        self.lateral, self.top = nn.Conv2d(8, 16, 1), nn.Conv2d(16, 16, 1)
        self.head = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 3 * 5, 1))

    def forward(self, x: Tensor) -> Tensor:
        low = self.stem(x)
        high = self.top(self.deeper(F.max_pool2d(low, 2)))
        low = self.lateral(low) + F.interpolate(high, size=low.shape[-2:], mode="nearest")
        levels = [self.head(level).unflatten(1, (3, 5)).permute(0, 1, 3, 4, 2).flatten(1, 3) for level in (low, high)]
        boxes = torch.cat(levels, 1)
        return (boxes[..., :1].sigmoid() * boxes[..., 1:].sigmoid()).flatten(1)


class SetPooling(nn.Module):
    """A point cloud, pooled by its largest features."""

    def __init__(self) -> None:
        super().__init__()
        self.points = nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU(), nn.Conv1d(16, 32, 1))
        self.head = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.points(x).amax(2))
        return y


class Mixture(nn.Module):
    """A mixture of two of four experts, whose weights are normalized again."""

    def __init__(self) -> None:
        super().__init__()
        self.router, self.head = nn.Linear(8, 4), nn.Linear(8, 4)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        weights, chosen = self.router(x).softmax(-1).topk(2)
        weights = weights / weights.sum(-1, keepdim=True)
        outputs = torch.stack([expert(x) for expert in self.experts], 1)
        picked = outputs.gather(1, chosen[..., None].expand(-1, -1, outputs.shape[-1]))
        y: Tensor = self.head(x + (weights[..., None] * picked).sum(1))
        return y


def _encoder(norm_first: bool) -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first, activation="gelu")
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(40, 4))


def _volumes() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv3d(2, 6, 3, padding=1, stride=2), nn.BatchNorm3d(6), nn.ReLU(), nn.Conv3d(6, 8, 3, padding=1)],
        *[nn.ELU(), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 4)],
    )


def _perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))


SMALL: dict[str, Small] = {
    "perceptron": lambda: (_perceptron(), torch.randn(1, 8)),
    "cnn of volumes": lambda: (_volumes(), torch.randn(1, 2, 8, 10, 9)),
    "u-net": lambda: (UNet(), torch.randn(1, 3, 12, 16)),
    "detection head": lambda: (DetectionHead(), torch.randn(1, 3, 16, 24)),
    "point cloud": lambda: (SetPooling(), torch.randn(1, 3, 20)),
    "graph convolution": lambda: (GraphConvolution(), torch.randn(1, 12, 6)),
    "graph attention": lambda: (GraphAttention(), torch.randn(1, 12, 6)),
    "fourier neural operator": lambda: (FourierOperator(), torch.randn(1, 2, 24)),
    "mixture of experts": lambda: (Mixture(), torch.randn(1, 8)),
    "transformer encoder": lambda: (_encoder(False), torch.randn(1, 5, 8)),
    "transformer encoder, norm first": lambda: (_encoder(True), torch.randn(1, 5, 8)),
    "lstm": lambda: (Recurrent(nn.LSTM), torch.randn(1, 5, 6)),
    "lstm, two directions": lambda: (Recurrent(nn.LSTM, 2), torch.randn(1, 5, 6)),
    "gru": lambda: (Recurrent(nn.GRU), torch.randn(1, 5, 6)),
    "rnn": lambda: (Recurrent(nn.RNN), torch.randn(1, 5, 6)),
    "lstm cells": lambda: (Cells(nn.LSTMCell), torch.randn(1, 5, 6)),
    "gru cells": lambda: (Cells(nn.GRUCell), torch.randn(1, 5, 6)),
    "lstm by its equations": lambda: (GatedCell(), torch.randn(1, 5, 6)),
}
