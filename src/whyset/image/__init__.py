"""Colour maps and pictures of relevance; every map is defined here once, for Python and for the browser."""

from whyset.image.color_maps import COLOR_MAPS, ColorMap, color_map_of, lookup
from whyset.image.figure import figure
from whyset.image.quantize import channel_sum, indices, scale_of, values
from whyset.image.render import colorize, grid, gridify, imgify, imsave, overlay
from whyset.image.shapes import DRAWN, planes, seen

__all__ = [
    "COLOR_MAPS",
    "DRAWN",
    "ColorMap",
    "channel_sum",
    "color_map_of",
    "colorize",
    "figure",
    "grid",
    "gridify",
    "imgify",
    "imsave",
    "indices",
    "lookup",
    "overlay",
    "planes",
    "scale_of",
    "seen",
    "values",
]
