"""Interventions: the evidence of a sample inserted into others, or removed, to measure what a model does with it.

An intervention is a frozen part: `select` finds the evidence of each sample (a region by its relevance, or a
statistic), `insert` moves it to a host, `remove` replaces it by a fill, and `null` returns evidence for comparison.
`INTERVENTIONS` is the table of their names, `FILLS` that of the fills, and `choose_hosts` chooses the hosts.

>>> as_intervention(Window(side=6)).describe()
'window of 6'
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from whyset.interventions.amplitude_phase import Amplitude, Phase
from whyset.interventions.channels import Channels
from whyset.interventions.color_statistics import ColorStatistics
from whyset.interventions.evidence import Evidence, Region, Statistic
from whyset.interventions.features import Features
from whyset.interventions.fills import (
    FILLS,
    BlurFill,
    ConstantFill,
    DeletionFill,
    Fill,
    HostFill,
    InpaintingFill,
    MeanFill,
    as_fill,
    parse_fill,
)
from whyset.interventions.frame import Frame
from whyset.interventions.frequency_band import FrequencyBand, SeriesBand
from whyset.interventions.hosts import choose_hosts
from whyset.interventions.intervention import InputIntervention, Intervention
from whyset.interventions.layer_channels import LayerChannels
from whyset.interventions.named_parts import build_named, parse_named, resolve_named
from whyset.interventions.radial_spectrum import RadialSpectrum
from whyset.interventions.regions import RegionIntervention
from whyset.interventions.statistics import StatisticIntervention
from whyset.interventions.token_span import TokenSpan
from whyset.interventions.top_pixels import TopPixels
from whyset.interventions.window import TimeWindow, Window

INTERVENTIONS: Mapping[str, type[Intervention]] = MappingProxyType(
    {
        intervention.name: intervention
        for intervention in (
            Window,
            TopPixels,
            Frame,
            ColorStatistics,
            FrequencyBand,
            RadialSpectrum,
            Amplitude,
            Phase,
            TimeWindow,
            SeriesBand,
            Channels,
            TokenSpan,
            Features,
            LayerChannels,
        )
    }
)
"""The interventions by name."""


def as_intervention(given: Intervention | str) -> Intervention:
    """Resolve an intervention from an instance or a name of `INTERVENTIONS`.

    InputError: the name is unknown, or the intervention needs parameters.

    >>> as_intervention("top_pixels")
    TopPixels(share=0.05)
    """
    return resolve_named(given, Intervention, INTERVENTIONS, "intervention")


def parse_intervention(text: str) -> Intervention:
    """Read an intervention from its name and options, separated by colons, as on the command line.

    InputError: the name or an option is unknown, or a value does not have the type of its field.

    >>> parse_intervention("window:side=6,4")
    Window(side=(6, 4))
    """
    return parse_named(text, INTERVENTIONS, "intervention")


def intervention_from_dict(form: Mapping[str, Any]) -> Intervention:
    """Rebuild an intervention from its `to_dict`; InputError: it is not that of a known intervention.

    >>> intervention_from_dict(Window(side=(6, 4)).to_dict())
    Window(side=(6, 4))
    """
    return build_named(form, INTERVENTIONS, "intervention")


def list_interventions(modality: str) -> list[str]:
    """Return the names of the interventions for inputs of a modality.

    >>> list_interventions("table")
    ['features', 'layer_channels']
    """
    return [name for name, kind in INTERVENTIONS.items() if modality in kind.modalities]


__all__ = [
    "FILLS",
    "INTERVENTIONS",
    "Amplitude",
    "BlurFill",
    "Channels",
    "ColorStatistics",
    "ConstantFill",
    "DeletionFill",
    "Evidence",
    "Features",
    "Fill",
    "Frame",
    "FrequencyBand",
    "HostFill",
    "InpaintingFill",
    "InputIntervention",
    "Intervention",
    "LayerChannels",
    "MeanFill",
    "Phase",
    "RadialSpectrum",
    "Region",
    "RegionIntervention",
    "SeriesBand",
    "Statistic",
    "StatisticIntervention",
    "TimeWindow",
    "TokenSpan",
    "TopPixels",
    "Window",
    "as_fill",
    "as_intervention",
    "choose_hosts",
    "intervention_from_dict",
    "list_interventions",
    "parse_fill",
    "parse_intervention",
]
