"""Figures of heatmaps on photographs: inputs by composites, color maps, and what stays at the biases of each layer.

    WHYSET_DATA=data python benchmarks/real_figures.py --lite0 efficientnet-lite0-57934424.pth --out figures

It draws the layouts of figures 8, 13 and 14 of Anders 2021 (arXiv 2106.13200) from the reader's own copy of the data,
which `real_networks.py` describes. NETWORK-composites.png has an image in each row and a composite in each column,
NETWORK-color-maps.png a color map in each row, NETWORK-biases.png the treatments of bias relevance, and
NETWORK-bias-layers.png the bias maps of the layers. With `--free` it draws the two photographs that scikit-learn
bundles, china.jpg by danielbuechele and flower.jpg by vultilion (flickr.com, CC BY 2.0), in docs/images for one.
"""

import argparse
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from gate import LITE0, load_lite0
from numpy.typing import NDArray
from real_methods import Network, merge_batch_norms, methods
from real_networks import FLIPPING, load, make_network
from sklearn.datasets import load_sample_image
from torch import Tensor

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.image import COLOR_MAPS, figure

COMPOSITES = {
    "gradient": "gradient",
    "gradient x input": "gradient x input",
    "epsilon_plus": "epsilon_plus",
    "epsilon_plus_flat": "epsilon_plus_flat",
    "epsilon_alpha2_beta1": "alpha2_beta1",
    "epsilon_alpha2_beta1_flat": "alpha2_beta1_flat",
    "epsilon_gamma_box": "gamma_box",
    "excitation_backprop": "excitation",
}
BIASES = {
    "epsilon_plus": "(a) epsilon_plus",
    'epsilon_plus, zero_params="bias"': "(b) zero_params",
    "epsilon_plus, redistributed": "(c) redistributed",
    "epsilon_plus, with bias maps": "(d) bias maps",
}
"""Titles of methods, short enough for a column."""
N_LAYERS = 6
Cells = list[NDArray[np.generic]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="lite0", choices=list(FLIPPING))
    parser.add_argument("--lite0", type=Path, help="weights of EfficientNet-Lite0")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--free", action="store_true", help="draw scikit-learn's photographs, for --network lite0")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("figures"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.free:
            network = make_network("lite0", load_lite0(options.lite0), LITE0, merge_batch_norms)
            images: Sequence[Tensor] = free_photographs()
        else:
            data = Path(os.environ["WHYSET_DATA"])
            network, images = load(options.network, data, Path(folder), options.images, options.lite0)
    for file in draw(network, torch.stack(list(images)), options.out, options.dpi):
        print(file)


def free_photographs() -> list[Tensor]:
    """Return the photographs of scikit-learn, center-cropped, as EfficientNet-Lite0 sees them."""
    found = []
    for name in ("china.jpg", "flower.jpg"):
        pixels = torch.tensor(load_sample_image(name)).permute(2, 0, 1).float()
        side = min(pixels.shape[1:])
        top, left = ((length - side) // 2 for length in pixels.shape[1:])
        square = pixels[:, top : top + side, left : left + side].unsqueeze(0)
        found.append((F.interpolate(square, (224, 224), mode="bilinear", antialias=True)[0] - 127) / 128)
    return found


def draw(network: Network, x: Tensor, out: Path, dpi: int = 200) -> list[Path]:
    """Draw all figures and return their files."""
    out.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        target = network.model(x).argmax(1)
    pictures = [_picture(network, image) for image in x]
    by_composite, by_bias = (_explain(network, list(names), x, target) for names in (COMPOSITES, BIASES))
    drawn = {
        "composites": figure(
            _rows(pictures, by_composite), column_titles=["input", *COMPOSITES.values()], color_bar=False
        ),
        "color-maps": figure(
            [[maps[0] for maps in by_composite]] * len(COLOR_MAPS),
            color_map=list(COLOR_MAPS),
            row_titles=list(COLOR_MAPS),
            column_titles=list(COMPOSITES.values()),
        ),
        "biases": figure(_rows(pictures, by_bias), column_titles=["input", *BIASES.values()], color_bar=False),
    }
    layers, titles = _bias_layers(network, x, target)
    drawn["bias-layers"] = figure(_rows(pictures, layers), column_titles=["input", *titles], color_bar=False)
    files = []
    for name, canvas in drawn.items():
        files.append(out / f"{network.name}-{name}.png")
        canvas.savefig(files[-1], dpi=dpi)
    return files


def _picture(network: Network, image: Tensor) -> NDArray[np.generic]:
    level = (image - network.low) / (network.high - network.low)
    return (255 * level).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def _explain(network: Network, names: Sequence[str], x: Tensor, target: Tensor) -> list[Cells]:
    found = []
    for name in names:
        with methods()[name](network) as explain:
            found.append(list(explain(x, target).detach().double().sum(1).numpy()))
    return found


def _bias_layers(network: Network, x: Tensor, target: Tensor) -> tuple[list[Cells], list[str]]:
    """Return the resized bias maps of some layers, evenly from the first to the last, and their titles."""
    with Gradient(network.model, EpsilonPlus()) as attribute, attribute.ledger(bias_maps=True) as ledger:
        attribute(x, target)
    spatial = [each for each in ledger.bias_maps if each.relevance.dim() == 4 and bool(each.relevance.any())]
    chosen = [spatial[i] for i in np.unique(np.linspace(0, len(spatial) - 1, N_LAYERS).round().astype(int))]
    return [list(each.resize(x.shape[2:]).numpy()) for each in chosen], [each.module for each in chosen]


def _rows(pictures: Cells, columns: Sequence[Cells]) -> list[Cells]:
    return [[picture, *(column[row] for column in columns)] for row, picture in enumerate(pictures)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
