"""A ResNet on real images: what it uses of dogs is portable, and other windows of the same images are not."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.interventions import Window, choose_hosts
from whyset.runner import FolderSource, ModelSource

pytestmark = pytest.mark.data

EXAMPLE = Path(__file__).parents[2] / "examples" / "cifar_resnet.py"
PER_CLASS, HOSTS = 100, 8


def test_the_most_relevant_window_of_dogs_turns_more_hosts_than_its_null(data_folder: Path, tmp_path: Path) -> None:
    with tarfile.open(data_folder / "cifar10.tar.xz") as archive:
        for member in archive:
            part, _, name = member.name.removeprefix("./").partition("/")
            if part == "test" and member.isfile() and int(Path(name).stem) < PER_CLASS:
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_bytes(archive.extractfile(member).read())
    loaded = ModelSource(f"{EXAMPLE}:resnet20", data_folder / "cifar10_resnet20.pt").load()
    source = FolderSource(tmp_path, loaded.preprocessing)
    images = torch.stack([source[index][0] for index in range(len(source))])
    dogs = np.flatnonzero(source.labels == source.class_names.index("dog"))
    with Gradient(loaded.module, EpsilonPlusFlat()) as attribute:
        relevance = attribute(images[dogs], int(source.labels[dogs[0]]))[1].detach()
    window = Window(side=10)
    evidence = window.select(images[dogs], relevance)
    null = window.null(images[dogs], evidence, seeds=dogs.tolist())
    hosts = choose_hosts(source.labels, dogs, HOSTS)

    @torch.no_grad()
    def share_turned(evidence):
        turned = []
        for host in hosts.T:
            before = loaded.module(images[host]).argmax(1)
            after = window.insert_output(loaded.module, images[dogs], evidence, images[host]).argmax(1)
            dog = int(source.labels[dogs[0]])
            turned.append((after == dog) & (before != dog))
        return float(torch.stack(turned).double().mean())

    effect, other = share_turned(evidence), share_turned(null)
    assert effect > 2 * other
    assert effect > 0.05
