"""A run that is killed: attempts at problems by a teacher on a server.

python -m tests.teacher.attempting URL CACHE KIND PROBLEMS      prints each attempt's text as JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from numina.corpus.teachers.server import served_teacher
from numina.records.problem import Problem
from numina.sandbox.pool import SandboxPool
from numina.settings import Params
from tests.teacher.speaking import teacher_params


def problems(number: int) -> list[Problem]:
    return [Problem(f"p{i}", f"{i}: what is 6 times 7?", "42", "test") for i in range(number)]


async def attempts(params: Params, number: int, samples: int = 1) -> list[str]:
    """The texts of attempts at some problems, all side by side."""
    pool = SandboxPool(params.sandbox, params.hardware.sandbox)
    async with pool, served_teacher(params, pool) as teacher:
        jobs = [teacher.trace(row, i) for row in problems(number) for i in range(samples)]
        return [trace.text for trace in await asyncio.gather(*jobs)]


if __name__ == "__main__":
    url, cache, kind, number = sys.argv[1:]
    params = teacher_params([url], Path(cache), kind=kind, at_once=4)
    print(json.dumps(asyncio.run(attempts(params, int(number)))))
