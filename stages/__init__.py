"""One short entry point a stage."""

import sys

from numina import entry

if sys.argv[0] == "-m":  # as `python -m stages.NAME` has it while it looks for the module
    entry.begin()
