"""The command line as `python -m whyset`."""

import sys

from whyset.cli import main

if __name__ == "__main__":
    sys.exit(main())
