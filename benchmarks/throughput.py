"""Samples explained per second by ResNet50 at the best batch size, in several precisions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from measuring import autocast, samples_per_second
from ways import WAYS, Network, make_network

PRECISIONS = ("float32", "TF32", "bfloat16 autocast")
BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)
CANDIDATES = (("plain", ""), ("whyset", "EpsilonPlusFlat"), ("zennit", "EpsilonPlusFlat"))


def throughput_table(device: str, size: int, batches: Sequence[int] = BATCHES, repeats: int = 10) -> list[str]:
    """Give a table of samples per second, each with the batch size it was reached at."""
    network = make_network("resnet50", size, device)
    lines = [f"## Samples per second, ResNet50 at {size} pixels", ""]
    lines += ["| precision | plain gradient | whyset, EpsilonPlusFlat | zennit, EpsilonPlusFlat |", "|---|---|---|---|"]
    for precision in PRECISIONS:
        cells = [best(network, way, name, precision, size, batches, repeats) for way, name in CANDIDATES]
        lines.append(f"| {precision} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return [*lines, ""]


def best(
    network: Network, way: str, composite: str, precision: str, size: int, batches: Sequence[int], repeats: int
) -> str:
    """Try growing batches until memory is full or a batch brings a tenth less than the best one."""
    device = next(network.model.parameters()).device.type
    reached: dict[int, float] = {}
    with tf32(precision == "TF32"), WAYS[way](network, composite) as explain:
        for batch in batches:
            x = network.inputs(batch, size)

            def call(x: torch.Tensor = x) -> None:
                with autocast(device, precision):
                    explain(x)

            try:
                reached[batch] = samples_per_second(call, batch, device, repeats)
            except torch.OutOfMemoryError:
                break
            if reached[batch] < 0.9 * max(reached.values()):
                break
    batch = max(reached, key=lambda key: reached[key])
    return f"{reached[batch]:.0f} (batch {batch})"


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Let matrix products and convolutions on CUDA round their factors to TF32, or forbid it."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
