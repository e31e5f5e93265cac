"""Matchers of linear operations: a module class, a kind ("convolution", "linear"), or the name of a torch function."""

from types import MappingProxyType
from typing import Any

from torch import nn

from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import Rule
from whyset.errors import InputError

Matcher = str | type[nn.Module]
LayerMap = tuple[tuple[Matcher | tuple[Matcher, ...], Rule], ...]

# The module class that a function belongs to, so that `F.conv2d(...)` is matched by `nn.Conv2d` too.
_CLASSES: MappingProxyType[str, type[nn.Module]] = MappingProxyType(
    {
        "linear": nn.Linear,
        "conv1d": nn.Conv1d,
        "conv2d": nn.Conv2d,
        "conv3d": nn.Conv3d,
        "conv_transpose1d": nn.ConvTranspose1d,
        "conv_transpose2d": nn.ConvTranspose2d,
        "conv_transpose3d": nn.ConvTranspose3d,
    }
)


def matches(matcher: Matcher | tuple[Matcher, ...], site: OperationSite) -> bool:
    """Check if a matcher applies to a linear operation."""
    if isinstance(matcher, tuple):
        return any(matches(one, site) for one in matcher)
    if isinstance(matcher, str):
        return matcher in (site.operation, "convolution" if site.operation.startswith("conv") else "linear")
    # Contractions with constants, such as `x @ w`, are linear operations.
    return issubclass(_CLASSES.get(site.operation, nn.Linear), matcher) or isinstance(site.module, matcher)


def freeze_map(entries: Any) -> Any:
    """Convert a map from lists to tuples, so that a composite is hashable."""
    if isinstance(entries, list | tuple):
        return tuple(freeze_map(entry) for entry in entries)
    return entries


def check_layer_map(owner: object, layer_map: Any) -> None:
    """Check that a layer map holds (matcher, rule) pairs."""
    for entry in layer_map if isinstance(layer_map, tuple) else (layer_map,):
        matcher, rule = entry if isinstance(entry, tuple) and len(entry) == 2 else (None, None)
        matchers = matcher if isinstance(matcher, tuple) else (matcher,)
        if not isinstance(rule, Rule) or not all(_is_matcher(one) for one in matchers):
            raise InputError(
                f"{type(owner).__name__}: expected pairs of a module class, 'convolution', 'linear' or a "
                f"function's name such as 'conv2d' (or a tuple of these) and a rule, got {entry!r}"
            )


def describe(matcher: Matcher | tuple[Matcher, ...]) -> str:
    if isinstance(matcher, tuple):
        return " or ".join(map(describe, matcher))
    return matcher if isinstance(matcher, str) else matcher.__name__


def looks_at_classes(layer_map: LayerMap) -> bool:
    matchers = [one for matcher, _ in layer_map for one in (matcher if isinstance(matcher, tuple) else (matcher,))]
    return any(not isinstance(one, str) for one in matchers)


def _is_matcher(value: Any) -> bool:
    if isinstance(value, str):
        return value in ("convolution", *_CLASSES)
    return isinstance(value, type) and issubclass(value, nn.Module)
