"""The options of the command line that state the preprocessing of images."""

from whyset.options.option import Flag

RANGE = (
    Flag("Mean of each channel in [0, 1], such as 0.485,0.456,0.406.", "--mean", default=None),
    Flag("Standard deviation of each channel, such as 0.229,0.224,0.225.", "--std", default=None),
    Flag("Color mode of the images: RGB or L (gray).", "--mode", default=None, choices=("RGB", "L")),
)
PREPROCESSING = (
    Flag("Input size of the model: SIDE or HEIGHTxWIDTH, such as 224 or 224x320.", "--size", default=None),
    *RANGE,
    Flag(
        "Do not turn images by their EXIF orientation.",
        "--ignore-exif-orientation",
        kind=bool,
        default=False,
    ),
)
