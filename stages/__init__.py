"""One short entry point for each stage."""

import sys

from numina import entry

if sys.argv[0] == "-m":  # the value while `python -m stages.NAME` looks for the module
    entry.begin()
