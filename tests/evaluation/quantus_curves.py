"""Region perturbation and pixel flipping by Quantus and by whyset; run in the environment of Quantus.

`python quantus_curves.py SOURCE PACKAGES`: the source folder of whyset, and the folder of packages with torch. Prints
a JSON object with the curves of both by name.
"""

import json
import sys
import warnings
from pathlib import Path


def build(classes, shape):
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(shape[0], 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(96, classes)
    ).eval()
    return model, torch.randn(7, *shape), torch.randn(7, *shape), torch.randint(0, classes, (7,))


def compare_regions(order, softmax):
    """Patches of 4 x 4 in an input whose sides differ."""
    import numpy as np
    import quantus

    from whyset.evaluation import PixelFlipping

    model, x, relevance, target = build(5, (3, 24, 16))
    theirs = quantus.RegionPerturbation(
        patch_size=4,
        order={"most_relevant_first": "morf", "least_relevant_first": "lerf"}[order],
        regions_evaluation=24,
        perturb_baseline=0.0,
        normalise=False,
        disable_warnings=True,
    )
    drops = theirs(model, x.numpy(), target.numpy(), relevance.numpy(), softmax=softmax, device="cpu")
    flipping = PixelFlipping(patch_size=4, steps=24, score="probability" if softmax else "output", order=order)
    curve = getattr(flipping(model, x, relevance, target), order)
    return {"quantus": np.array(drops).tolist(), "whyset": (curve[0] - curve[1:]).T.tolist()}


def compare_pixels():
    """One pixel after the other, most relevant first."""
    import numpy as np
    import quantus

    from whyset.evaluation import PixelFlipping

    model, x, relevance, target = build(5, (1, 6, 7))
    theirs = quantus.PixelFlipping(features_in_step=1, perturb_baseline=0.0, normalise=False, disable_warnings=True)
    curves = theirs(model, x.numpy(), target.numpy(), relevance.numpy(), softmax=True, device="cpu")
    ours = PixelFlipping(patch_size=1, steps=42)(model, x, relevance, target).most_relevant_first
    return {"quantus": np.array(curves).tolist(), "whyset": ours[1:].T.tolist()}


if __name__ == "__main__":
    source, packages = sys.argv[1:]
    sys.path[:0] = [source]
    sys.path.append(packages)
    sys.path.append(str(Path(__file__).parents[1] / "support" / "torchvision_beside_cpu_torch"))
    import sitecustomize  # noqa: F401  # the torchvision of the tests does not fit a torch for the CPU

    warnings.simplefilter("ignore")
    found = {
        f"{order}, {'softmax' if softmax else 'output'}": compare_regions(order, softmax)
        for order in ("most_relevant_first", "least_relevant_first")
        for softmax in (True, False)
    }
    print(json.dumps(found | {"pixels": compare_pixels()}))
