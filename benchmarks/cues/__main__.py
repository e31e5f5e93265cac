"""Which method finds what a network uses, where the answer is known: cues in shares of classes, and clean networks.

    WHYSET_DATA=data python -m benchmarks.cues make --cells cells

`make` trains the networks of the design that CELLS does not have yet.
"""

import argparse
import os
import time
from pathlib import Path

import torch

from .cells import make_network
from .design import list_networks


def main() -> None:
    arguments = _parse()
    torch.set_num_threads(1)
    data = Path(os.environ["WHYSET_DATA"])
    for spec in list_networks():
        if arguments.only and not spec.name.startswith(tuple(arguments.only)):
            continue
        if (arguments.cells / spec.name / "cell.json").is_file():
            continue
        began = time.process_time()
        record = make_network(spec, arguments.cells, data)
        used = ", ".join(f"{cue.kind} {cue.share:.0%} {record['fooled'][str(cue.label)]:.2f}" for cue in spec.cues)
        measured = f"accuracy {record['accuracy']:.3f}, {time.process_time() - began:.0f} s"
        print(f"{spec.name} ({spec.half}): {measured}; {used}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["make"])
    parser.add_argument("--cells", type=Path, required=True, help="folder of the networks")
    parser.add_argument("--only", nargs="+", metavar="PREFIX", help="networks whose names begin so")
    return parser.parse_args()


if __name__ == "__main__":
    main()
