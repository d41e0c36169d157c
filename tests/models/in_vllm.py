"""Decode prompts greedily with vLLM, in the environment that has it (.ci/vllm.sh).

python -m tests.models.in_vllm MODEL OUT      reads the prompts as JSON from standard input
"""

import asyncio
import json
import sys
from pathlib import Path

from numina.engine.choose import open_engine
from numina.engine.protocol import Sampling
from numina.profile import merged
from numina.settings import parse
from numina.settings.params import document


async def main(model: Path, prompts: list[str]) -> list[str]:
    # Not by tests.conftest: this environment has no pytest.
    params = parse(merged({"engine.name": "vllm", "engine.batch_size": 4}, document()))
    async with open_engine(params.engine, params.hardware, model, 200) as engine:
        greedy = Sampling(0, 1, 16, (), 1)
        found = await asyncio.gather(*[engine.complete(prompt, greedy) for prompt in prompts])
    return [completion.text for completion in found]


if __name__ == "__main__":
    texts = asyncio.run(main(Path(sys.argv[1]), json.load(sys.stdin)))
    Path(sys.argv[2]).write_text(json.dumps(texts))
