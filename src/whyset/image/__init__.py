"""Color maps and heatmaps; every color map is defined once, for Python and for the browser."""

from whyset.image.color_maps import COLOR_MAPS, ColorMap, find_color_map
from whyset.image.figure import figure
from whyset.image.quantize import channel_sum, compute_scale
from whyset.image.render import colorize, grid, gridify, imgify, imsave, overlay

__all__ = [
    "COLOR_MAPS",
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
    "overlay",
]
