"""Lets `import torchvision` work where its wheel was built for CUDA and torch for the CPU.

It takes effect where this folder is on PYTHONPATH. The wheel's compiled part does not load, and torchvision's Python
side stops at the missing operators `nms` and `qnms`. They are declared just before torchvision is imported, so that
processes without torchvision do not load torch; where the compiled part does load, it brings the operators itself and
nothing is declared.
"""

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path


def compiled_part_loads(folder):
    import torch

    for library in folder.glob("_C*.so"):
        try:
            torch.ops.load_library(library)
        except OSError:
            continue
        return True
    return False


class DeclareTorchvisionOperators(MetaPathFinder):
    def find_spec(self, fullname, *_):
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            self.declare()

    def declare(self):
        spec = importlib.util.find_spec("torchvision")
        if spec is not None and not compiled_part_loads(Path(spec.origin).parent):
            import torch

            library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            torch._whyset_torchvision_operators = library  # the declarations live as long as this object


sys.meta_path.insert(0, DeclareTorchvisionOperators())
