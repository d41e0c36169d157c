"""Run a stage with the parameters of an experiment.

    python -m experiments.stage kto stages.eval_sctir --model experiments/kto/model ...

The stage reads params.yaml with experiments/kto/params.yaml over it.
"""

import os
import runpy
import sys
from pathlib import Path

from numina import entry, overlay

USAGE = "usage: python -m experiments.stage NAME MODULE ARGUMENTS..."


def main() -> None:
    if len(sys.argv) < 3:
        entry.leave(USAGE, 2)
    name, module, *arguments = sys.argv[1:]
    params = Path("experiments", name, "params.yaml")
    if not params.is_file():
        entry.leave(f"error: {params}: not found (run from the root of the repository)", 1)
    os.environ[overlay.VARIABLE] = str(params)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
