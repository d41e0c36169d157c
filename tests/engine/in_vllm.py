"""What the tests ask of the vLLM engine, in the environment that has vLLM (.ci/vllm.sh).

python -m tests.engine.in_vllm MODEL OUT      reads the prompts as JSON from standard input
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from numina.engine.choose import open_engine
from numina.engine.protocol import Sampling
from numina.profile import merged
from numina.settings import parse
from numina.settings.params import document


async def main(model: Path, prompts: list[str]) -> dict[str, Any]:
    # Not by tests.conftest: this environment has no pytest.
    params = parse(merged({"engine.name": "vllm", "engine.batch_size": 8}, document()))
    async with open_engine(params.engine, params.hardware, model, 400) as engine:
        greedy = Sampling(0, 1, 24, (), 1)
        free = await asyncio.gather(*[engine.complete(prompt, greedy) for prompt in prompts])
        word = free[1].text[2:5]  # begins and ends inside tokens
        stopped = await engine.complete(prompts[1], Sampling(0, 1, 24, (word,), 1))
        hot = Sampling(0.8, 0.95, 300, (), 7)
        given_up = [asyncio.create_task(engine.complete(prompt, hot)) for prompt in prompts]
        await asyncio.sleep(0.3)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        left = engine.llm.output_processor.get_num_unfinished_requests()  # type: ignore[attr-defined]
        after = await engine.complete(prompts[0], greedy)
        long = "9 8 7 6 5 4 3 2 1 0 " * 14  # vLLM keeps blocks of 128 tokens on a CPU
        await engine.complete(long, greedy)
        cached = (await engine.complete(long + "Solution", greedy)).cached_tokens
        return {
            "free": [asdict(completion) for completion in free],
            "word": word,
            "stopped": asdict(stopped),
            "unfinished_after_cancelling": left,
            "same_afterwards": after.text == free[0].text,
            "cached": cached,
            "tokens": engine.count_tokens(prompts[1]),
        }


if __name__ == "__main__":
    found = asyncio.run(main(Path(sys.argv[1]), json.load(sys.stdin)))
    Path(sys.argv[2]).write_text(json.dumps(found))
