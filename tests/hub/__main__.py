"""python -m tests.hub FOLDER [PORT]: serve the hub's folder until it is told to end."""

import signal
import sys
from pathlib import Path

from tests.hub.server import serving

if __name__ == "__main__":
    with serving(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0) as hub:
        print(hub.url, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
