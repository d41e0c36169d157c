"""How a process that trains with others starts, and how it ends.

`accelerate launch` without its tables and tracebacks, as each process says what is wrong itself:

python -m numina.train.ranks CONFIG MODULE ARGUMENTS...
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import signal
import sys
from typing import NoReturn

from numina import terminal
from numina.train.world import is_rank

SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def die_with_parent(number: signal.Signals) -> None:
    """Have this process told to end when the one that started it ends, however that ends."""
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, number)


def end_rank() -> None:
    """End this process after its work, if it is one of several that train together.

    They leave together, so that none loses the others' connections while it still works. Where the
    work failed, this must not be called: the process then ends with its own status.
    """
    if not is_rank():
        return
    import torch.distributed as group

    if group.is_initialized():
        group.barrier()
        group.destroy_process_group()
    end_well()


def end_well() -> NoReturn:
    """End this process at once with status 0, all that it has written flushed.

    The libraries' threads (gloo's, the store's, Arrow's) are not ours to join. If one still runs
    while the interpreter is taken down, C++ aborts the process ("terminate called without an active
    exception"), and a training that has finished counts as failed. So the interpreter is not taken
    down; what libraries registered for the exit is run.
    """
    atexit._run_exitfuncs()
    terminal.close_log()
    terminal.flush_standard()
    os._exit(0)


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
    end_well()


if __name__ == "__main__":
    main()
