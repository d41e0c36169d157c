"""`accelerate launch` without its tables and tracebacks: each process says what is wrong itself.

python -m numina.train.ranks CONFIG MODULE ARGUMENTS...
"""

from __future__ import annotations

import ctypes
import logging
import signal
import sys

SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def die_with_parent(number: signal.Signals) -> None:
    """Have this process told to end when the one that started it ends, however that ends."""
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, number)


def main() -> None:
    die_with_parent(signal.SIGTERM)
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    config, module, *arguments = sys.argv[1:]
    command = ["--config_file", config, "--module", module, *arguments]
    try:
        launch_command(launch_command_parser().parse_args(command))
    except (ChildFailedError, SignalException):
        sys.exit(1)


if __name__ == "__main__":
    main()
