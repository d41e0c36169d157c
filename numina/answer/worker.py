"""A process that decides hard pairs, one at a time: started and, if need be, killed by `pool`.

A line of JSON in: ``[prediction, gold]``, or ``[answer]`` for its canonical form. A line
``[equal, method, why]`` or ``[form]`` out, until the input ends: with the caller, then, however
that ended. The limit is processor time, counted by the kernel, which ends the process without help
from the caller or from this interpreter, busy as it may be in one long multiplication; and so does
the end of the input, for a caller that dies in the midst of a pair.
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
    """Serve requests; the argument is the limit of each, in seconds of processor time."""
    limit = float(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no reply
    logging.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    end_with_caller()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from numina.answer.canonical import canonical_form
    from numina.answer.decide import decide

    decide("x+1", "1+x")  # fills lazily built tables
    print("[]", file=replies, flush=True)
    for line in sys.stdin:
        texts = json.loads(line)
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, limit)
        reply = decide(*texts) if len(texts) == 2 else [canonical_form(*texts)]
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        print(json.dumps(reply), file=replies, flush=True)


def end_with_caller() -> None:
    """Have the kernel signal the end of the input: it ends this process while it is at work."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    main()
