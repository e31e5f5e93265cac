"""Maps of PAIR saliency for the model f(x) = v · tanh(W x), in NumPy; run in the environment of saliency.

`python saliency_maps.py GIVEN FOUND`: reads images (n, height, width, channels), W, v, masks and an attribution from a
.npz file, and writes the maps of each method to another.
"""

import sys

import numpy as np
import saliency.core as saliency
from saliency.core.xrai import _get_segments_felzenszwalb

GUIDED = {"guided": {}, "guided_free": {"max_dist": 1.0}, "guided_straight": {"max_dist": 0.0, "fraction": 0.5}}
BLUR = {"blur": {"max_sigma": 5}, "blur_sqrt": {"max_sigma": 9, "sqrt": True, "grad_step": 0.1}}


def main(given_path: str, found_path: str) -> None:
    given = np.load(given_path)

    def gradient(x, call_model_args=None, expected_keys=None):
        hidden = np.tanh(x.reshape(len(x), -1) @ given["weight"].T)
        gradients = ((1 - hidden**2) * given["last"]) @ given["weight"]
        return {saliency.INPUT_OUTPUT_GRADIENTS: gradients.reshape(x.shape)}

    found = {}
    for name, options in GUIDED.items():
        found[name] = [
            saliency.GuidedIG().GetMask(x, gradient, x_baseline=b, x_steps=30, **options)
            for x, b in zip(given["images"], given["baselines"], strict=True)
        ]
    for name, options in BLUR.items():
        found[name] = [saliency.BlurIG().GetMask(x, gradient, steps=20, **options) for x in given["images"]]
    segments = [_get_segments_felzenszwalb(x) for x in given["pictures"]]
    found["segments"] = np.array([np.stack(masks).mean(0) for masks in segments])
    parameters = saliency.XRAIParameters()
    parameters.experimental_params["min_pixel_diff"] = int(given["min_pixel_diff"])
    for algorithm in ("full", "fast"):
        parameters.algorithm = algorithm
        found[f"xrai_{algorithm}"] = [
            saliency.XRAI().GetMask(
                x, None, segments=list(given["masks"]), base_attribution=a, extra_parameters=parameters
            )
            for x, a in zip(given["pictures"], given["attributions"], strict=True)
        ]
        found[f"whole_{algorithm}"] = [
            saliency.XRAI().GetMask(x, None, segments=own, base_attribution=a, extra_parameters=parameters)
            for x, own, a in zip(given["pictures"], segments, given["attributions"], strict=True)
        ]
    np.savez(found_path, **{name: np.array(maps) for name, maps in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
