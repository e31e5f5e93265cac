"""The layer of class activation maps is found in networks of every form, and its positions are those of the input."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from timm.models.convnext import ConvNeXt
from timm.models.mlp_mixer import MlpMixer
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torchvision.models.densenet import DenseNet
from torchvision.models.swin_transformer import SwinTransformer as TorchvisionSwin
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionViT

from whyset.attribution import GradCAM, find_cam_layer
from whyset.attribution.attributors.cam import find_cam_layers
from whyset.attribution.attributors.cam.place import replace_value
from whyset.attribution.attributors.logit_model import LogitModel
from whyset.errors import InputError

PLAIN = {"embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 5}


def timm_vit(**sizes: Any) -> nn.Module:
    return VisionTransformer(img_size=(32, 48), patch_size=8, **PLAIN | sizes)


def vgg() -> nn.Module:
    """The end of a VGG: pools to a fixed size, and convolutions to one position."""
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(7), nn.Conv2d(6, 9, 7), nn.ReLU(), nn.Flatten())


class Functional(nn.Module):
    """A network of functions alone; its last ReLU writes in place and is not the result of a module."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Parameter(torch.randn(4, 3, 3, 3)), nn.Parameter(torch.randn(6, 4, 3, 3))
        self.head = nn.Parameter(torch.randn(5, 6))

    def forward(self, x: Tensor) -> Tensor:
        values = F.max_pool2d(F.relu(F.conv2d(x, self.one, padding=1)), 2)
        values = F.conv2d(values, self.two).relu_()
        return values.mean((2, 3)) @ self.head.T


class ConstantChannel(nn.Module):
    """Its features have the coordinates of the positions as a channel, as CoordConv has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.linspace(0, 1, x.shape[2])[None, None, :, None].expand(len(x), 1, -1, x.shape[3])
        scores: Tensor = self.head(torch.cat([rows, self.conv(x).relu()], 1).mean((2, 3)))
        return scores


class PatchesByReshape(nn.Module):
    """A transformer whose patches no convolution makes, with a class token and PyTorch's own layers."""

    def __init__(self, *, first: bool = True) -> None:
        super().__init__()
        self.embed, self.first, self.head = nn.Linear(3 * 64, 24), first, nn.Linear(24, 5)
        self.token = nn.Parameter(torch.randn(1, 1, 24))
        layer = nn.TransformerEncoderLayer(24, 2, 32, 0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        patches = x.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        tokens, token = self.embed(patches), self.token.expand(len(x), -1, -1)
        tokens = torch.cat([token, tokens] if self.first else [tokens, token], 1)
        scores: Tensor = self.head(self.blocks(tokens)[:, 0 if self.first else -1])
        return scores


class Logits(nn.Module):
    """A model of Hugging Face that returns its logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(pixel_values=x).logits
        return logits


def hugging_face(kind: str, **config: Any) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    made = getattr(transformers, f"{kind}Config")(num_labels=5, **config)
    return Logits(getattr(transformers, f"{kind}ForImageClassification")(made))


HF_VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
HF_SWIN = {
    "image_size": (32, 64),
    "patch_size": 4,
    "embed_dim": 12,
    "depths": [2, 2],
    "num_heads": [2, 2],
    "window_size": 4,
}
TV_VIT = {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 24, "mlp_dim": 32}
TV_SWIN = {"patch_size": [4, 4], "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2], "window_size": [4, 4]}
TIMM_SWIN = {
    "img_size": (32, 64),
    "patch_size": 4,
    "embed_dim": 12,
    "depths": (2, 2),
    "num_heads": (2, 2),
    "window_size": 4,
}

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str, tuple[int, ...], int]] = {
    "resnet": (lambda: timm.create_model("resnet18"), (64, 96), "layer4", (2, 3), 0),
    "efficientnet": (lambda: timm.create_model("efficientnet_lite0"), (64, 96), "bn2", (2, 3), 0),
    "mobilenet": (lambda: timm.create_model("mobilenetv3_small_050"), (64, 96), "blocks", (2, 3), 0),
    "vgg, not its last pools": (vgg, (32, 48), "4", (13, 21), 0),
    "densenet, with a functional ReLU": (
        lambda: DenseNet(4, (2, 2), 8, num_classes=5), (32, 48), ":relu:0", (4, 6), 0
    ),
    "convnext, with channels last inside": (
        lambda: ConvNeXt(depths=(1, 1, 1, 1), dims=(4, 6, 8, 10), num_classes=5), (64, 96), "stages", (2, 3), 0
    ),
    "vit": (timm_vit, (32, 48), "blocks.1.norm1", (4, 6), 1),
    "vit with registers": (lambda: timm_vit(reg_tokens=4), (32, 48), "blocks.1.norm1", (4, 6), 5),
    "vit without class token": (
        lambda: timm_vit(class_token=False, global_pool="avg", fc_norm=False), (32, 48), "norm", (4, 6), 0
    ),
    "vit that averages its patches": (lambda: timm_vit(global_pool="avg"), (32, 48), "blocks", (4, 6), 1),
    "deit": (
        lambda: timm.create_model("deit_tiny_distilled_patch16_224", img_size=(32, 48)), (32, 48), "blocks.11.norm1",
        (2, 3), 2
    ),
    "swin": (lambda: SwinTransformer(**TIMM_SWIN, num_classes=5), (32, 64), "norm", (4, 8), 0),
    "mixer": (
        lambda: MlpMixer(5, img_size=32, patch_size=8, num_blocks=2, embed_dim=24), (32, 32), "norm", (4, 4), 0
    ),
    "vit of torchvision": (
        lambda: TorchvisionViT(**TV_VIT, num_classes=5), (32, 32), "encoder.layers.encoder_layer_1.ln_1", (4, 4), 1
    ),
    "swin of torchvision": (lambda: TorchvisionSwin(**TV_SWIN, num_classes=5), (32, 64), "norm", (4, 8), 0),
    "vit of Hugging Face": (
        lambda: hugging_face("ViT", image_size=(32, 48), patch_size=8, **HF_VIT), (32, 48),
        "model.vit.layers.1.layernorm_before", (4, 6), 1
    ),
    "swin of Hugging Face": (lambda: hugging_face("Swin", **HF_SWIN), (32, 64), "model.swin.layernorm", (4, 8), 0),
    "patches by reshape": (PatchesByReshape, (32, 48), "blocks.layers.1.norm1", (4, 6), 1),
    "functions": (Functional, (12, 16), ":relu:1", (4, 6), 0),
    "with a constant channel": (ConstantChannel, (12, 16), ":cat:0", (12, 16), 0),
    "series": (
        lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(20, 5)), (12,),
        "1", (10,), 0
    ),
    "volumes": (
        lambda: nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.AdaptiveMaxPool3d(1), nn.Flatten(), nn.Linear(4, 5)),
        (5, 6, 7), "1", (3, 4, 5), 0
    ),
}  # fmt: skip


def make(name: str) -> tuple[nn.Module, Tensor]:
    build, sides = NETWORKS[name][:2]
    torch.manual_seed(0)
    model = build().eval()
    for parameter in model.parameters():  # heads of transformers are initialized by zeros
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return model, torch.randn(3, 3, *sides)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_last_layer_whose_positions_influence_the_output(name: str) -> None:
    model, x = make(name)
    expected, sides, prefix = NETWORKS[name][2:]
    found = find_cam_layer(model, x)
    assert (found.name, found.grid.sides, found.grid.prefix, found.grid.suffix) == (expected, sides, prefix, 0)
    assert find_cam_layer(model, x, expected) == found
    assert find_cam_layer(LogitModel(nn.Sequential(model, nn.Softmax(1))), x).grid == found.grid
    maps = GradCAM(model, relu_attributions=False)(x, 1)[1]
    assert maps.shape == (3, 1, *x.shape[2:])
    assert (maps.flatten(1).std(1) > 0).all()


EARLY = {
    "vit": "norm_pre",
    "vit with registers": "norm_pre",
    "swin": "patch_embed.norm",
    "swin of torchvision": "features.0",
    "vit of Hugging Face": "model.vit.embeddings",
    "swin of Hugging Face": "model.swin.embeddings.norm",
    "patches by reshape": "embed",
    "functions": ":conv2d:0",
    "series": "0",
    "volumes": "0",
}


@pytest.mark.parametrize("name", EARLY)
def test_positions_of_a_layer_are_at_the_positions_of_the_input(name: str) -> None:
    """A layer before any attention: where the input changes, the maps change, and they are 0 elsewhere."""
    model, x = make(name)
    layer, values = find_cam_layer(model, x, EARLY[name]), []
    other, sides = x.clone(), x.shape[2:]
    place = tuple(slice(side * 3 // 4, side) if axis else slice(0, side // 4) for axis, side in enumerate(sides))
    other[(slice(None), slice(None), *place)] += 1

    def keep(value: Tensor) -> Tensor:
        values.append(layer.grid.to_maps(value).detach())
        return value

    for given in (x, other):
        with replace_value(model, layer.name, keep):
            model(given)
    changed = (values[0] != values[1]).any(1).any(0)
    corner = torch.zeros(sides, dtype=torch.bool)
    corner[place] = True
    grow = getattr(F, f"adaptive_max_pool{len(sides)}d")
    inside = grow(corner[None, None].float(), changed.shape)[0, 0] > 0
    wide = getattr(F, f"max_pool{len(sides)}d")(inside[None, None].float(), 3, 1, 1)[0, 0] > 0
    assert changed.any()
    assert (changed & ~wide).sum() == 0
    assert (changed & inside).any()


VIEWS = [
    ("swin", "layers.0.blocks.1", (8, 16), True),  # tokens, reshaped to their grid
    ("swin", "patch_embed", (8, 16), True),
    ("swin of torchvision", "features.0.1", (8, 16), True),  # a permutation
    ("swin of torchvision", "permute", (4, 8), False),
    ("convnext, with channels last inside", "stages.1.blocks.0.norm", (8, 12), True),
]


@pytest.mark.parametrize(("name", "layer", "sides", "channels_last"), VIEWS)
def test_the_layout_of_a_view_is_that_of_its_source(
    name: str, layer: str, sides: tuple[int, ...], channels_last: bool
) -> None:
    found = find_cam_layer(*make(name), layer)
    assert (found.grid.sides, found.grid.channels_last, found.grid.tokens) == (sides, channels_last, False)


class Permuted(nn.Module):
    def __init__(self, permute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.last, self.head, self.permute = nn.Conv2d(3, 6, 1), nn.Identity(), nn.Linear(6, 2), permute

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.last(self.permute(self.conv(x))).mean((1, 2)))
        return scores


@pytest.mark.parametrize(
    "permute",
    [
        lambda x: x.permute(0, 2, 3, 1),
        lambda x: x.permute(0, -2, -1, 1),
        lambda x: torch.permute(x, (0, 2, 3, 1)),
        lambda x: x.permute(dims=[0, 2, 3, 1]),
        lambda x: torch.permute(input=x, dims=(0, 2, 3, 1)),
    ],
)
def test_a_permutation_is_read_in_every_spelling(permute: Callable[[Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    found = find_cam_layer(Permuted(permute).eval(), torch.randn(2, 3, 6, 6), "last")
    assert (found.grid.sides, found.grid.channels_last) == ((6, 6), True)


class Fourier(nn.Module):
    """A layer of operations that no rule describes; its sides are those of the input, and it has as many channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.mix, self.head = nn.Conv2d(3, channels, 1), nn.Identity(), nn.Linear(channels, 2)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.mix(torch.fft.ifft2(torch.fft.fft2(self.conv(x))).real).mean((2, 3)))
        return scores


def test_a_layout_that_is_not_certain_is_not_guessed() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 6)
    assert find_cam_layer(Fourier(5).eval(), x, "mix").grid.sides == (6, 6)
    with pytest.raises(InputError, match="positions of 'mix' are not known"):
        find_cam_layer(Fourier(6).eval(), x, "mix")


def test_layers_of_each_resolution_are_in_the_order_of_execution() -> None:
    model, x = make("resnet")
    found = find_cam_layers(model, x)
    assert [layer.name for layer in found] == ["act1", "layer1", "layer2", "layer3", "layer4"]
    assert [layer.grid.sides for layer in found] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]


def test_it_does_not_depend_on_the_values_of_the_input() -> None:
    """An input of zeros would leave nothing active in a network without biases."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24, 2, bias=False)]
    model = nn.Sequential(*layers).eval()
    assert find_cam_layer(model, torch.zeros(2, 3, 6, 8)).name == "1"
    assert find_cam_layer(model, torch.randn(1, 3, 6, 8)).name == "1"


def test_a_token_after_those_of_the_grid_is_not_a_position() -> None:
    torch.manual_seed(0)
    found = find_cam_layer(PatchesByReshape(first=False).eval(), torch.randn(2, 3, 32, 48))
    assert (found.grid.sides, found.grid.prefix, found.grid.suffix) == ((4, 6), 0, 1)


def test_a_layer_that_only_the_class_token_leaves_is_refused_with_the_ones_that_can_be_used() -> None:
    model, x = make("vit")
    with pytest.raises(InputError, match=r"no position of 'blocks.1' influences the output.*blocks\.1\.norm1"):
        find_cam_layer(model, x, "blocks.1")


class Rounded(Functional):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).detach().round()


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.memory, self.head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.memory(x.transpose(1, 2))[0].mean(1))
        return scores


@pytest.mark.parametrize(
    ("model", "layer", "message"),
    [
        (Rounded, None, "carries no gradient.*give it by layer="),
        (Several, "memory", "positions of 'memory' are not known"),
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 6), nn.Flatten()), None, "no layer with positions"),
        (Functional, ":relu:7", "positions of ':relu:7' are not known"),
    ],
)
def test_what_cannot_be_found_is_an_error_that_names_the_remedy(model: Any, layer: str | None, message: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 9) if model is Several else torch.randn(2, 3, 6, 6)
    with pytest.raises(InputError, match=message):
        find_cam_layer(model().eval(), x, layer)


def test_statistics_of_a_batch_norm_are_not_changed() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    model, x = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Flatten(), nn.Linear(96, 2)), torch.randn(2, 3, 6, 8)
    with pytest.raises(InputError, match=r"in training mode.*call model\.eval\(\)"):
        find_cam_layer(model, x)
    assert find_cam_layer(model.eval(), x).name == "1"
    assert not norm.running_mean.any()


def test_a_layer_of_a_model_without_gradient_can_be_given() -> None:
    torch.manual_seed(0)
    assert find_cam_layer(Rounded().eval(), torch.randn(2, 3, 12, 16), ":relu:1").grid.sides == (4, 6)
