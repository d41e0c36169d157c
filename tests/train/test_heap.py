"""Memory that a training frees is kept for its next step."""

import subprocess
import sys

import pytest

# Pages that the system fills for the same tensors, 650 MB, made and freed eight times.
PROGRAM = """
import resource, sys
import torch
from numina.train.heap import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(megabytes * 2**18) for megabytes in range(33, 49)]
    del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    keep_freed_memory()
print(*[faults() for _ in range(8)])
"""


@pytest.mark.parametrize("way", ["given back", "kept"])
def test_memory_is_filled_by_the_system_only_once(way):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, way], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    first, *later = map(int, done.stdout.split())
    assert first > 100
    if way == "kept":
        assert sum(later) < first
    else:
        assert sum(later) > 3 * first
