"""A process that decides hard pairs, one at a time: started and, if necessary, killed by `pool`.

Input, a JSON line: ``[prediction, gold]``, with a third text to decide them only as sets with a
parameter, or ``[answer]`` for its canonical form. Output, a line: ``[equal, method, why]`` or
``[form]``. The process ends when its input ends, which it does with
the caller, however that ended. The limit is processor time. The kernel counts it and ends the
process without help from the caller or from this interpreter, which may be busy in one long
multiplication. If the caller dies during a pair, the kernel ends the process in the same way: the
caller holds the other end of a pipe on which nothing is ever sent. (Signals for the input itself
would not do: one for a request that was just read could come late, and end the work on it.)
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import resource
import signal
import sys

MEMORY = 2 << 30


def main() -> None:
    """Serve requests.

    The arguments are the limit of each, in seconds of processor time, and the pipe's descriptor.
    """
    limit, lifeline = float(sys.argv[1]), int(sys.argv[2])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is not a reply
    logging.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    end_with_caller(lifeline)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from numina.answer.canonical import canonical_form
    from numina.answer.decide import decide, decide_families

    decide("x+1", "1+x")  # fills lazily built tables
    print("[]", file=replies, flush=True)
    for line in sys.stdin:
        texts = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, limit)
        if len(texts) == 1:
            reply = [canonical_form(*texts)]
        else:
            reply = (decide if len(texts) == 2 else decide_families)(*texts[:2])
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(reply), file=replies, flush=True)


def end_with_caller(lifeline: int) -> None:
    """Have the kernel end this process, even while it works, when the caller's end is closed."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    main()
