"""On a trained network, relevance in half precision is no further off than the plain gradient's own error allows."""

import copy
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPOSITES = [AttnLRP(), EpsilonPlus(), EpsilonPlusFlat(), EpsilonAlpha2Beta1(), EpsilonGammaBox(-2.2, 2.7)]


@pytest.fixture(scope="module")
def trained(data_folder):
    sys.path.insert(0, str(EXAMPLES))
    import cifar_resnet

    model = cifar_resnet.resnet20().eval().requires_grad_(False)
    model.load_state_dict(torch.load(data_folder / "cifar10_resnet20.pt", weights_only=True))
    torch.manual_seed(0)
    smooth = F.interpolate(torch.randn(24, 3, 6, 6), size=(32, 32), mode="bicubic")
    return model, smooth, model(smooth).argmax(1)


def deviation(trained, composite, dtype):
    """The median relative error of relevance (of input times gradient, without a composite) in half precision."""
    model, x, target = trained
    maps = []
    for network, images in ((model, x), (copy.deepcopy(model).to(dtype), x.to(dtype))):
        explained = Gradient(network, composite)(images, target)[1].float()
        maps.append(explained * images.float() if composite is None else explained)
    assert maps[1].isfinite().all()
    return ((maps[1] - maps[0]).flatten(1).norm(dim=1) / maps[0].flatten(1).norm(dim=1)).median().item()


@pytest.mark.data
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)
def test_half_precision_deviates_at_most_half_as_much_again_as_the_gradient(trained, composite, dtype):
    assert deviation(trained, composite, dtype) <= 1.5 * deviation(trained, None, dtype)
