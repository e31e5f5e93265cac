"""Metrics by Quantus and by whyset on the same maps; run in the environment of Quantus.

`python quantus_metrics.py SOURCE PACKAGES`: the source folder of whyset, and the folder of packages with torch. Prints
a JSON object with the numbers of both by name. Quantus is told not to normalize maps, unless a comparison says so.
"""

import json
import sys
import warnings
from pathlib import Path

COMPARISONS = {}
DIFFERENCES = {}
N = 7
PLAIN = {"normalise": False, "disable_warnings": True}


def comparison(function):
    COMPARISONS[function.__name__] = function
    return function


def difference(function):
    DIFFERENCES[function.__name__] = function
    return function


def build(shape=(1, 12, 10), classes=4, seed=0):
    """Return a model, inputs, targets, and maps with one channel."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(shape[0], 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(96, classes)
    ).eval()
    maps = torch.randn(N, 1, *shape[1:])
    return model, torch.randn(N, *shape), torch.randint(0, classes, (N,)), maps


def by_quantus(metric, model, x, target, relevance=None, **given):
    import numpy as np

    maps = None if relevance is None else relevance.numpy().copy()
    return np.array(metric(model, x.numpy(), target.numpy(), maps, device="cpu", **given), dtype=float).tolist()


def by_whyset(metric, model, x, target, relevance, **given):
    import numpy as np

    from whyset.evaluation import ExplainedSamples

    return metric.measure(ExplainedSamples(model, x, target, relevance, np.arange(len(x)), **given)).values.tolist()


def gradient(model, x, target):
    """Return the gradient times the input: a method that both call."""
    import torch

    x = x.detach().clone().requires_grad_()
    [found] = torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)
    return (found * x).detach()


def draw_masks(x):
    import torch

    return torch.rand(len(x), 1, *x.shape[2:], generator=torch.Generator().manual_seed(1)) < 0.3


def localize(theirs, ours, relevance=None):
    model, x, target, maps = build()
    maps = maps if relevance is None else relevance(maps)
    masks = draw_masks(x)
    return {
        "quantus": by_quantus(theirs, model, x, target, maps, s_batch=masks.numpy()),
        "whyset": by_whyset(ours, model, x, target, maps, masks=masks),
    }


@comparison
def relevance_mass():
    import quantus

    from whyset.evaluation.metrics import RelevanceMass

    return localize(quantus.RelevanceMassAccuracy(abs=True, **PLAIN), RelevanceMass(sign="absolute"))


@comparison
def attribution_localization():
    import quantus

    from whyset.evaluation.metrics import RelevanceMass

    theirs = quantus.AttributionLocalisation(positive_attributions=True, abs=False, **PLAIN)
    return localize(theirs, RelevanceMass())


@comparison
def relevance_rank():
    import quantus

    from whyset.evaluation.metrics import RelevanceRank

    return localize(quantus.RelevanceRankAccuracy(abs=False, **PLAIN), RelevanceRank())


@comparison
def top_k_intersection():
    import quantus

    from whyset.evaluation.metrics import TopKIntersection

    return localize(quantus.TopKIntersection(k=13, abs=False, **PLAIN), TopKIntersection(k=13))


@comparison
def pointing_game():
    import quantus

    from whyset.evaluation.metrics import PointingGame

    return localize(quantus.PointingGame(abs=False, **PLAIN), PointingGame())


@comparison
def localization_auc():
    import quantus

    from whyset.evaluation.metrics import LocalizationAUC

    return localize(quantus.AUC(abs=False, **PLAIN), LocalizationAUC(), lambda maps: (4 * maps).round())  # with ties


def describe(theirs, ours):
    model, x, target, maps = build()
    return {
        "quantus": by_quantus(theirs, model, x, target, maps),
        "whyset": by_whyset(ours, model, x, target, maps),
    }


@comparison
def complexity():
    import quantus

    from whyset.evaluation.metrics import Complexity

    return describe(quantus.Complexity(**PLAIN), Complexity())


@comparison
def sparseness():
    import quantus

    from whyset.evaluation.metrics import Sparseness

    return describe(quantus.Sparseness(**PLAIN), Sparseness())


@comparison
def support_size():
    """Quantus divides by the largest value of a batch, so each sample is one."""
    import quantus

    from whyset.evaluation.metrics import SupportSize

    model, x, target, maps = build()
    theirs = quantus.EffectiveComplexity(eps=0.2, disable_warnings=True)
    each = [by_quantus(theirs, model, x[[row]], target[[row]], maps[[row]])[0] for row in range(N)]
    return {"quantus": each, "whyset": by_whyset(SupportSize(tolerance=0.2), model, x, target, maps)}


@comparison
def completeness():
    """Quantus says whether the sum is exact: whole numbers are."""
    import quantus
    import torch
    from torch import nn

    from whyset.evaluation.metrics import CompletenessError

    _, x, target, _ = build()
    linear = nn.Linear(120, 4)
    linear.weight.data.round_(decimals=1).mul_(10).round_()
    linear.bias.data.round_()
    model, x = nn.Sequential(nn.Flatten(), linear).eval(), (3 * x).round()
    maps = linear.weight.data[target].reshape(x.shape) * x
    maps[::2, 0, 0, 0] += 1  # not complete
    theirs = quantus.Completeness(perturb_baseline=0.0, abs=False, **PLAIN)
    errors = by_whyset(CompletenessError(baseline=0.0, relative=False), model, x, target, maps)
    assert set(errors) == {0.0, 1.0}, torch.tensor(errors)
    return {
        "quantus": by_quantus(theirs, model, x, target, maps),
        "whyset": [float(error == 0) for error in errors],
    }


@comparison
def non_sensitivity():
    """Some pixels are not used, some have no relevance."""
    import quantus
    import torch
    from torch import nn

    from whyset.evaluation.metrics import NonSensitivity

    torch.manual_seed(0)
    linear = nn.Linear(30, 3)
    linear.weight.data[:, ::3] = 0
    model, x, target = nn.Sequential(nn.Flatten(), linear).eval(), torch.randn(N, 1, 5, 6), torch.randint(0, 3, (N,))
    maps = torch.randn(N, 1, 5, 6) * (torch.rand(N, 1, 5, 6) < 0.5)
    theirs = quantus.NonSensitivity(features_in_step=1, perturb_baseline=0.0, disable_warnings=True)
    return {
        "quantus": by_quantus(theirs, model, x, target, maps),
        "whyset": by_whyset(NonSensitivity(patch_size=1), model, x, target, maps),
    }


@comparison
def infidelity():
    """One patch, which is the whole input: Quantus imputes several one after the other, without restoring them."""
    import quantus

    from whyset.evaluation.metrics import Infidelity

    model, x, target, maps = build((1, 12, 12))
    theirs = quantus.Infidelity(perturb_patch_sizes=[12], n_perturb_samples=1, perturb_baseline=0.0, **PLAIN)
    ours = Infidelity(size=12, n_samples=1, multiply_by_inputs=False)
    return {
        "quantus": by_quantus(theirs, model, x, target, maps),
        "whyset": by_whyset(ours, model, x, target, maps),
    }


def measure_sensitivity(theirs, ours):
    """Quantus is given our noise."""
    import numpy as np

    from whyset.evaluation import ExplainedSamples, as_quantus

    model, x, target, _ = build()
    maps = gradient(model, x, target)
    generators = ExplainedSamples(model, x, target, maps, np.arange(N)).make_generators()

    def add_noise(arr, **ignored):
        drawn = [generator.uniform(-ours.radius, ours.radius, tuple(x.shape[1:])) for generator in generators]
        return arr + np.stack(drawn).astype(np.float32).reshape(arr.shape)

    metric = theirs(nr_samples=ours.n_samples, perturb_func=add_noise, **PLAIN)
    return {
        "quantus": by_quantus(metric, model, x, target, maps, explain_func=as_quantus(gradient)),
        "whyset": by_whyset(ours, model, x, target, maps, explain=gradient),
    }


@comparison
def max_sensitivity():
    import quantus

    from whyset.evaluation.metrics import MaxSensitivity

    return measure_sensitivity(quantus.MaxSensitivity, MaxSensitivity(n_samples=5, radius=0.2))


@comparison
def average_sensitivity():
    import quantus

    from whyset.evaluation.metrics import AverageSensitivity

    return measure_sensitivity(quantus.AvgSensitivity, AverageSensitivity(n_samples=5, radius=0.2))


def build_resettable(classes=4):
    """Return a model whose parameters do not depend on the seed when they are drawn again."""
    import torch
    from torch import nn

    class Resettable(nn.Linear):
        def reset_parameters(self):
            if hasattr(self, "drawn"):
                generator = torch.Generator().manual_seed(self.in_features)
                self.weight.data = torch.randn(self.weight.shape, generator=generator)
            else:
                self.drawn = True
                super().reset_parameters()

    torch.manual_seed(0)
    layers = [Resettable(30, 20), nn.ReLU(), Resettable(20, 9), nn.ReLU(), Resettable(9, classes)]
    x = torch.randn(N, 1, 5, 6)
    return nn.Sequential(nn.Flatten(), *layers).eval(), x, torch.randint(0, classes, (N,))


def randomize(theirs, ours, classes=4, **given):
    from whyset.evaluation import as_quantus

    model, x, target = build_resettable(classes)
    maps = gradient(model, x, target)
    found = theirs(model, x.numpy(), target.numpy(), maps.numpy(), device="cpu", explain_func=as_quantus(gradient))
    if isinstance(found, dict):  # the similarities of each layer: their mean, without that of the model itself
        import numpy as np

        found = np.mean([scores for name, scores in found.items() if name != "original"], axis=0).tolist()
    return {"quantus": list(map(float, found)), "whyset": by_whyset(ours, model, x, target, maps, explain=gradient)}


@comparison
def mprt():
    import quantus

    from whyset.evaluation.metrics import MPRT

    return randomize(quantus.MPRT(disable_warnings=True), MPRT())


@comparison
def mprt_bottom_up_with_signs():
    import quantus

    from whyset.evaluation.metrics import MPRT

    theirs = quantus.MPRT(layer_order="bottom_up", abs=False, disable_warnings=True)
    return randomize(theirs, MPRT(order="bottom_up", absolute=False))


@comparison
def mprt_of_single_layers():
    import quantus

    from whyset.evaluation.metrics import MPRT

    return randomize(quantus.MPRT(layer_order="independent", disable_warnings=True), MPRT(order="independent"))


@comparison
def smooth_mprt():
    """Quantus calls its own function, which is given ours; without noise, the two means are those of one input."""
    import quantus

    from whyset.evaluation import as_quantus
    from whyset.evaluation.metrics import SmoothMPRT

    explain = as_quantus(gradient)
    original, quantus.explain = quantus.explain, lambda model, inputs, targets, **_: explain(model, inputs, targets)
    try:
        theirs = quantus.SmoothMPRT(nr_samples=3, noise_magnitude=0.0, disable_warnings=True)
        return randomize(theirs, SmoothMPRT(n_samples=3, noise_level=0.0))
    finally:
        quantus.explain = original


@comparison
def efficient_mprt():
    import quantus

    from whyset.evaluation.metrics import EfficientMPRT

    return randomize(quantus.EfficientMPRT(disable_warnings=True), EfficientMPRT())


@comparison
def random_logit():
    """Two classes, so that both draw the same one; correlations do not depend on the scale."""
    import quantus

    from whyset.evaluation.metrics import RandomLogit

    theirs = quantus.RandomLogit(
        similarity_func=quantus.similarity_func.correlation_pearson, num_classes=2, disable_warnings=True
    )
    return randomize(theirs, RandomLogit(similarity="pearson"), classes=2)


@comparison
def random_logit_ssim():
    """A series, as Quantus compares flat maps; it scales the maps of a batch together, so each sample is one."""
    import quantus
    import torch
    from torch import nn

    from whyset.evaluation import as_quantus
    from whyset.evaluation.metrics import RandomLogit

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 38, 2)).eval()
    x, target = torch.randn(N, 1, 40), torch.randint(0, 2, (N,))
    maps, theirs = gradient(model, x, target), quantus.RandomLogit(num_classes=2, disable_warnings=True)
    explain, each = as_quantus(gradient), [[row] for row in range(N)]
    return {
        "quantus": [by_quantus(theirs, model, x[row], target[row], maps[row], explain_func=explain)[0] for row in each],
        "whyset": by_whyset(RandomLogit(), model, x, target, maps, explain=gradient),
    }


@comparison
def road():
    import numpy as np
    import quantus

    from whyset.evaluation import ExplainedSamples
    from whyset.evaluation.metrics import ROAD

    model, x, target, maps = build((1, 10, 12))
    target = model(x).argmax(1)
    theirs = quantus.ROAD(percentages=[10, 30, 50, 70, 90], noise=0.0, abs=False, **PLAIN)
    found = theirs(model, x.numpy(), target.numpy(), maps.numpy(), device="cpu")
    ours = ROAD(steps=(0.1, 0.3, 0.5, 0.7, 0.9), imputer="noisy_linear(noise=0)")
    curves = ours.measure(ExplainedSamples(model, x, target, maps, np.arange(N))).curves
    return {
        "quantus": [float(found[share]) for share in (10, 30, 50, 70, 90)],
        "whyset": curves[:, 1:].mean(0).tolist(),
    }


@comparison
def noisy_linear_imputation():
    import numpy as np
    import torch
    from quantus.functions.perturb_func import noisy_linear_imputation as impute

    from whyset.evaluation import NoisyLinearImputer

    x = torch.randn(1, 3, 9, 7, generator=torch.Generator().manual_seed(0)).double()
    mask = torch.rand(1, 1, 9, 7, generator=torch.Generator().manual_seed(2)) < 0.6
    theirs = impute(arr=x[0].numpy(), indices=np.flatnonzero(mask), noise=0.0)
    ours = NoisyLinearImputer(noise=0.0).prepare(x, [None])(mask)[0]
    return {"quantus": theirs.ravel().tolist(), "whyset": ours.flatten().tolist()}


@comparison
def explained_by_whyset():
    """Quantus calls a composite and a class by `as_quantus`; whyset measures maps that the attributor returned."""
    import quantus

    from whyset.attribution import Gradient, InputTimesGradient
    from whyset.attribution.composites import EpsilonPlus
    from whyset.evaluation import as_quantus
    from whyset.evaluation.metrics import Complexity

    model, x, target, _ = build((3, 12, 10))
    found = {"quantus": [], "whyset": []}
    for given, attribute in (("epsilon_plus", Gradient(model, EpsilonPlus())), (InputTimesGradient, None)):
        attribute = attribute or InputTimesGradient(model)
        maps, explain = attribute(x.clone(), target=target)[1].detach().sum(1, keepdim=True), as_quantus(given)

        def pool(model, inputs, targets, explain=explain, **more):
            return explain(model, inputs, targets, **more).sum(1, keepdims=True)

        found["quantus"] += by_quantus(quantus.Complexity(**PLAIN), model, x, target, explain_func=pool)
        found["whyset"] += by_whyset(Complexity(), model, x, target, maps)
    return found


@comparison
def explained_by_a_run():
    """Quantus reads the maps of a run by `as_quantus`."""
    import tempfile

    import quantus

    import whyset
    from whyset.evaluation import as_quantus
    from whyset.evaluation.metrics import RelevanceMass

    model, x, target, _ = build()
    masks, maps = draw_masks(x), gradient(model, x, target)
    with tempfile.TemporaryDirectory() as folder:
        run = whyset.from_arrays(maps.numpy(), out=f"{folder}/run", target=target.numpy(), dtype="float32")
        explain = as_quantus(run, inputs=x[[3, 1, 2]], rows=[3, 1, 2])
        theirs = quantus.RelevanceMassAccuracy(abs=True, **PLAIN)
        chosen = [1, 2, 3]
        found = by_quantus(
            theirs, model, x[chosen], target[chosen], s_batch=masks[chosen].numpy(), explain_func=explain
        )
    ours = by_whyset(RelevanceMass(sign="absolute"), model, x, target, maps, masks=masks)
    return {"quantus": found, "whyset": ours[1:4]}


@difference
def a_constant_map_hits_and_so_does_an_empty_mask():
    import quantus
    import torch

    model, x, target, maps = build()
    masks = torch.zeros_like(maps, dtype=torch.bool)
    masks[:, :, 0, 0] = True
    masks[3:] = False
    maps[:3] = 2.0
    theirs = by_quantus(quantus.PointingGame(abs=False, **PLAIN), model, x, target, maps, s_batch=masks.numpy())
    return theirs == [1.0] * N


@difference
def the_mass_of_signed_maps_may_exceed_one():
    import quantus

    model, x, target, maps = build()
    theirs = by_quantus(
        quantus.RelevanceMassAccuracy(abs=False, **PLAIN), model, x, target, maps, s_batch=draw_masks(x).numpy()
    )
    return max(theirs) > 1 or min(theirs) < 0


@difference
def the_weight_of_the_area_is_a_factor():
    """The factor is the area over the number of values of the batch without its first two samples."""
    import numpy as np
    import quantus

    model, x, target, maps = build()
    masks = draw_masks(x)
    weighted, plain = (
        by_quantus(
            quantus.AttributionLocalisation(weighted=weight, **PLAIN), model, x, target, maps, s_batch=masks.numpy()
        )
        for weight in (True, False)
    )
    return np.allclose(np.divide(weighted, plain), masks.flatten(1).sum(1).numpy() / x[2:].numel())


@difference
def the_average_of_mprt_includes_the_model_itself():
    import numpy as np
    import quantus

    from whyset.evaluation import as_quantus

    model, x, target = build_resettable()
    given = {"explain_func": as_quantus(gradient), "device": "cpu"}
    each = quantus.MPRT(disable_warnings=True)(model, x.numpy(), target.numpy(), None, **given)
    mean = quantus.MPRT(return_average_correlation=True, disable_warnings=True)(
        model, x.numpy(), target.numpy(), None, **given
    )
    return "original" in each and np.allclose(mean, np.mean(list(each.values()), axis=0))


@difference
def road_takes_one_channel():
    import quantus

    model, x, target, maps = build((3, 10, 12))
    try:
        quantus.ROAD(percentages=[50], abs=False, **PLAIN)(model, x.numpy(), target.numpy(), maps.numpy(), device="cpu")
    except IndexError:
        return True
    return False


@difference
def layers_of_one_shape_get_the_same_parameters():
    import torch
    from quantus.helpers.model.pytorch_model import PyTorchModel
    from torch import nn

    wrapped = PyTorchModel(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))
    *_, (_, last) = wrapped.get_random_layer_generator()
    return torch.equal(last[0].weight, last[1].weight)


@difference
def normalization_depends_on_the_other_samples():
    import quantus

    model, x, target, maps = build()
    metric = quantus.EffectiveComplexity(eps=0.2, disable_warnings=True)
    alone = by_quantus(metric, model, x[:1], target[:1], maps[:1])
    beside = by_quantus(metric, model, x[:2], target[:2], maps[:2] * maps.new_tensor([1, 100]).view(2, 1, 1, 1))
    return alone[0] > 0 and beside[0] == 0


if __name__ == "__main__":
    source, packages = sys.argv[1:]
    sys.path[:0] = [source]
    sys.path.append(packages)
    sys.path.append(str(Path(__file__).parents[2] / "support" / "torchvision_beside_cpu_torch"))
    import sitecustomize  # noqa: F401  # the torchvision of the tests does not fit a torch for the CPU

    warnings.simplefilter("ignore")
    found = {name: compare() for name, compare in COMPARISONS.items()}
    print(json.dumps(found | {name: bool(differs()) for name, differs in DIFFERENCES.items()}))
