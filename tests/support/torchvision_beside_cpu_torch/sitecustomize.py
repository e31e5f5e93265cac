"""Lets `import torchvision` work where its wheel was built for CUDA and torch for the CPU (put this folder on PYTHONPATH).

The wheel's compiled part then does not load, and torchvision's Python side stops at the missing operators `nms` and
`qnms`. They are declared just before torchvision is imported, so that processes without torchvision do not load torch.
"""

import importlib.util
import sys
from importlib.abc import MetaPathFinder


class DeclareTorchvisionOperators(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname != "torchvision":
            return None
        sys.meta_path.remove(self)
        import torch

        if torch.version.cuda is None and importlib.util.find_spec("torchvision") is not None:
            library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            torch._whyset_torchvision_operators = library  # the declarations live as long as this object
        return None


sys.meta_path.insert(0, DeclareTorchvisionOperators())
