"""Class activation maps by pytorch-grad-cam and by whyset; run in the environment of pytorch-grad-cam.

`python grad_cam_maps.py SOURCE PACKAGES`: the source folder of whyset, and the folder of packages with torch. Prints a
JSON object with the maps of both by network and method.
"""

import json
import sys
import warnings
from pathlib import Path

CLASSES = (1, 3, 0)
LAYERS = {"cnn": "5", "vit": "blocks.2.norm1", "swin": "layers.1.blocks.1.norm1"}
NAMES = {
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "score_cam": "ScoreCAM",
    "ablation_cam": "AblationCAM",
}


def build(network, name=""):
    """A random network with sides that differ, an input, and the transform that brings its layer to (n, c, h, w)."""
    import torch
    from timm.models.swin_transformer import SwinTransformer
    from timm.models.vision_transformer import VisionTransformer
    from torch import nn

    torch.manual_seed(0)
    if network == "cnn":
        model = nn.Sequential(
            *[nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 12, 3)],
            *[nn.BatchNorm2d(12), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12 * 24, 5)],
        )
        transform = None
    elif network == "vit":
        sizes = {"img_size": (32, 48), "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2, "num_classes": 5}
        model = VisionTransformer(**sizes)

        def transform(tokens):
            return tokens[:, 1:].reshape(len(tokens), 4, 6, -1).permute(0, 3, 1, 2)
    else:
        sizes = {"img_size": (32, 64), "patch_size": 4, "embed_dim": 12, "depths": (2, 2), "num_heads": (2, 2)}
        model = SwinTransformer(**sizes, window_size=4, num_classes=5)

        def transform(tokens):
            return tokens.permute(0, 3, 1, 2)

    model = model.double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    if name == "grad_cam_plus_plus":  # its peer adds 1e-6 to squares of gradients
        with torch.no_grad():
            list(model.parameters())[-2].mul_(1e5)
    sides = {"cnn": (22, 30), "vit": (32, 48), "swin": (32, 64)}[network]
    return model, torch.randn(3, 3, *sides, dtype=torch.float64), transform


def map_by_peer(name, network):
    """The map of the layer before it is scaled, and the one that is returned."""
    import pytorch_grad_cam as peer
    import torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    # Its masks are enlarged with aligned corners, and its maps, as those of the authors of Score-CAM, without.
    torch.nn.UpsamplingBilinear2d = lambda size: torch.nn.Upsample(size=tuple(size), mode="bilinear")

    class Recording(getattr(peer, NAMES[name])):
        def get_cam_image(self, *args, **kwargs):
            self.found = super().get_cam_image(*args, **kwargs)
            return self.found

    model, x, transform = build(network, name)
    values = model(x)[range(3), list(CLASSES)].detach()
    with Recording(model, [model.get_submodule(LAYERS[network])], reshape_transform=transform) as cam:
        scaled = cam(x.clone(), [ClassifierOutputTarget(one) for one in CLASSES])
    found = torch.from_numpy(cam.found)
    # Its weights are divided by the explained value.
    found = found * values[:, None, None] if name == "ablation_cam" else found
    return found, torch.from_numpy(scaled)


def map_by_whyset(name, network):
    import torch

    from whyset.attribution.methods import METHODS

    model, x, _ = build(network, name)
    attribute = METHODS[name](layer=LAYERS[network]).bind(model)
    return attribute(x, torch.tensor(CLASSES))[1][:, 0]


def compare(name, network):
    """The largest difference, relative to the largest value, of the maps before and after they are scaled to [0, 1]."""
    import torch.nn.functional as F

    ours = map_by_whyset(name, network)
    layer, scaled = map_by_peer(name, network)
    theirs = F.interpolate(layer[:, None].relu(), ours.shape[1:], mode="bilinear")[:, 0]
    low, high = (getattr(ours, f)((1, 2), keepdim=True) for f in ("amin", "amax"))
    unit = (ours - low) / (high - low).clamp(min=1e-300)
    return {
        "map": float((ours - theirs).abs().max() / theirs.abs().max()),
        "scaled": float((unit - scaled).abs().max()),
        "positive": float((ours > 0).double().mean()),
    }


def found_layers():
    from whyset.attribution import find_cam_layer

    return {network: find_cam_layer(*build(network)[:2]).name for network in LAYERS}


if __name__ == "__main__":
    source, packages = sys.argv[1:]
    sys.path[:0] = [source]
    sys.path.append(packages)
    sys.path.append(str(Path(__file__).parents[3] / "support" / "torchvision_beside_cpu_torch"))
    import sitecustomize  # noqa: F401  # the torchvision of the tests does not fit a torch for the CPU

    warnings.simplefilter("ignore")
    # Where activations can be negative, it subtracts 1e7 in place of ablating a channel.
    pairs = [
        (name, network) for name in NAMES for network in LAYERS if (name, network != "cnn") != ("ablation_cam", True)
    ]
    found = {f"{name} {network}": compare(name, network) for name, network in pairs}
    print(json.dumps({"maps": found, "layers": found_layers()}))
