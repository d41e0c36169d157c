"""A process that decides hard pairs, one at a time: started and, if need be, killed by `pool`.

A line of JSON ``[prediction, gold]`` in, a line ``[equal, method, why]`` out, until the input ends:
with the caller, then, however that ended. A pair that takes longer than the limit ends the process
by an alarm of the kernel's, which needs no help from the caller or from this interpreter, busy as
it may be in one long multiplication.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys

MEMORY = 2 << 30


def main() -> None:
    """Serve pairs; the argument is the limit a pair, in seconds."""
    limit = float(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no reply
    logging.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from numina.answer.decide import decide

    decide("x+1", "1+x")  # fills lazily built tables
    print("[]", file=replies, flush=True)
    for line in sys.stdin:
        prediction, gold = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, limit)
        reply = decide(prediction, gold)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
