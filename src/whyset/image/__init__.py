"""Color maps and heatmaps; every color map is defined once, for Python and for the browser."""

from whyset.image.color_maps import COLOR_MAPS, ColorMap, find_color_map, lookup
from whyset.image.figure import figure
from whyset.image.quantize import channel_sum, compute_scale, indices, values
from whyset.image.render import colorize, grid, gridify, imgify, imsave, overlay
from whyset.image.shapes import DRAWN, planes, to_rgb

__all__ = [
    "COLOR_MAPS",
    "DRAWN",
    "ColorMap",
    "channel_sum",
    "colorize",
    "compute_scale",
    "figure",
    "find_color_map",
    "grid",
    "gridify",
    "imgify",
    "imsave",
    "indices",
    "lookup",
    "overlay",
    "planes",
    "to_rgb",
    "values",
]
