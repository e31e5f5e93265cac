"""`python -m whyset` is the command line."""

import sys

from whyset.cli import main

if __name__ == "__main__":
    sys.exit(main())
