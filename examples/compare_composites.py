"""Compare composites on handwritten digits: an image of their heatmaps, and a table of their quality.

    python examples/compare_composites.py --out docs/images/composites.png

A small network is trained on scikit-learn's digits, enlarged to 24 pixels, which takes some seconds; then test images
are explained with every named composite. The table has four figures per composite, each a mean over test images that
are classified correctly:

- arrives: the sum of the relevance map divided by the explained output (the median); 1 is conservation. Sums of
  gradients have no meaning.
- other class: cosine similarity to the map for another class; near 1, the map does not depend on the class.
- other weights: cosine similarity to the map after the last layer's weights are drawn again; near 1, the map does not
  depend on the model.
- noise: cosine similarity to the map of the same image with a little noise; near 1 is stable.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import COMPOSITES
from whyset.image import colorize, grid

SIDE = 24
SHOWN = (0, 2, 4, 5, 8)  # the first test image of each of these digits is drawn
LEFT_OUT = ("attn_lrp", "cp_lrp")  # for transformers; on this network both are LRP-0


def digits():
    """Return images (N, 1, 24, 24) between 0 and 1 and labels, for training and for testing."""
    data = load_digits()
    images = F.interpolate(torch.tensor(data.images / 16.0).float().unsqueeze(1), size=(SIDE, SIDE), mode="bilinear")
    labels = torch.tensor(data.target)
    return (images[:1400], labels[:1400]), (images[1400:], labels[1400:])


def network():
    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]

    layers = [*block(1, 16), *block(16, 32), *block(32, 32), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(288, 64), nn.ReLU(), nn.Linear(64, 10))


def trained(images, labels, epochs):
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(100):
            loss = F.cross_entropy(model(images[batch] + 0.1 * torch.randn_like(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def composites():
    """Return the plain gradient and the composites of `COMPOSITES`, by name."""
    bounds = {"low": 0.0, "high": 1.0}
    needs_bounds = {"epsilon_gamma_box": bounds, "deep_taylor_box": bounds}
    made = {name: cls(**needs_bounds.get(name, {})) for name, cls in COMPOSITES.items() if name not in LEFT_OUT}
    return {"gradient": None, **made}


def with_other_weights(model):
    """Return the model with a new random last layer."""
    torch.manual_seed(1)
    last = nn.Linear(64, 10)
    return nn.Sequential(*model[:-1], last).eval()


def similarity(a, b):
    return F.cosine_similarity(a.flatten(1), b.flatten(1)).mean().item()


def worth(model, composite, images, labels):
    """Compute the four figures of one composite."""
    with Gradient(model, composite) as attribute:
        output, maps = attribute(images, labels)
        _, other_class = attribute(images, (labels + 1) % 10)
        _, noisy = attribute(images + 0.05 * torch.randn_like(images), labels)
    _, other_weights = Gradient(with_other_weights(model), composite)(images, labels)
    sums = (maps.sum((1, 2, 3)) / output.gather(1, labels[:, None]).squeeze(1)).median().item()
    arrives = sums if composite is not None and composite.multiply_by_input else None
    return arrives, similarity(maps, other_class), similarity(maps, other_weights), similarity(maps, noisy)


def picture(maps_of, images, zoom=3):
    """Draw one row per image: the image, then its heatmap by each composite."""
    cells = []
    for row, image in enumerate(images):
        gray = (255 * (1 - image[0].numpy())).astype(np.uint8)
        cells.append(np.repeat(gray[:, :, np.newaxis], 3, axis=2))
        cells.extend(colorize(maps[row].numpy()) for maps in maps_of)
    cells = [cell.repeat(zoom, axis=0).repeat(zoom, axis=1) for cell in cells]
    return Image.fromarray(grid(cells, columns=1 + len(maps_of), gap=6))


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("composites.png"))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--samples", type=int, default=100)
    options = parser.parse_args(given)
    torch.set_num_threads(1)  # sums over threads differ in the last digits, and so would the image
    (images, labels), (test_images, test_labels) = digits()
    model = trained(images, labels, options.epochs)
    with torch.no_grad():
        right = model(test_images).argmax(1) == test_labels
    print(f"test accuracy {right.float().mean():.3f}\n")
    images, labels = test_images[right][: options.samples], test_labels[right][: options.samples]
    print("| composite | arrives | other class | other weights | noise |\n|---|---|---|---|---|")
    shown = [labels.tolist().index(digit) for digit in SHOWN]
    maps_of = []
    for name, composite in composites().items():
        torch.manual_seed(2)
        figures = worth(model, composite, images, labels)
        print(f"| {name} | " + " | ".join("–" if f is None else f"{f:.2f}" for f in figures) + " |")
        maps_of.append(Gradient(model, composite)(images[shown], labels[shown])[1])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    picture(maps_of, images[shown]).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
