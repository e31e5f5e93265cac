"""Colour maps and pictures of relevance; every map is defined here once, for Python and for the browser."""

from whyset.image.color_maps import COLOR_MAPS, ColorMap, lookup
from whyset.image.quantize import channel_sum, indices, scale_of, values
from whyset.image.render import colorize, grid, imgify, overlay

__all__ = [
    "COLOR_MAPS",
    "ColorMap",
    "channel_sum",
    "colorize",
    "grid",
    "imgify",
    "indices",
    "lookup",
    "overlay",
    "scale_of",
    "values",
]
