"""SentiNet's test (Chou et al. 2020, arXiv 1812.00292): does the most salient region fool the network elsewhere?

For each image, the region that Grad-CAM gives at least 15 % of its largest value is pasted into other images. `fooled`
is the share that is then predicted as the class of the image. The same region filled with noise, the inert pattern,
gives the mean confidence of the network, which is large if the region covers little of the hosts. SentiNet takes images
for attacked whose pair of both lies above the curve of clean images; without clean images, the product of both is used.
It pastes into 100 images of a class each; here these are 4 for each of the training images.
"""

import numpy as np
import torch
from torch import Tensor

from whyset.attribution.methods import GradCAMMethod

from ..observed import Observed
from ..ranking import ClassScores, average_largest

N_HOSTS = 4
LEAST = 0.15


def rank(observed: Observed) -> list[ClassScores]:
    maps = observed.read_maps(observed.explain("grad-cam", method=GradCAMMethod()))
    largest = np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-12)
    regions = torch.from_numpy((maps >= LEAST * largest) & (maps > 0))[:, None]
    predicted = observed.probabilities.argmax(axis=1)
    random, found = np.random.default_rng(0), []
    noise = torch.from_numpy(random.standard_normal(observed.inputs.shape[1:]).astype(np.float32))
    for label, rows in observed.each_class():
        hosts = np.flatnonzero((observed.labels != label) & (predicted != label))
        fooled, confidence = np.zeros(len(rows)), np.zeros(len(rows))
        for _ in range(N_HOSTS):
            x, region = observed.inputs[random.choice(hosts, len(rows))], regions[rows]
            fooled += observed.predict(paste(x, observed.inputs[rows], region)).argmax(axis=1) == label
            confidence += observed.predict(paste(x, noise, region)).max(axis=1)
        values = fooled / N_HOSTS * (confidence / N_HOSTS)
        found.append(ClassScores(label, average_largest(values), rows, values))
    return found


def paste(host: Tensor, source: Tensor, region: Tensor) -> Tensor:
    return torch.where(region, source, host)
