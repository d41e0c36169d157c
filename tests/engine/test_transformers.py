"""The transformers engine on a real, small model."""

import asyncio

import pytest

from numina.engine.protocol import Completion, Sampling, cut_at_stop
from numina.engine.transformers import TransformersEngine, sample
from numina.errors import UserError

GREEDY = Sampling(temperature=0, top_p=1, max_new_tokens=12, stop=(), seed=1)
PROMPTS = ["We add", "What is $4+12$? The answer", "print(range(n))"]


def complete(folder, samplings: list[Sampling], batch_size: int = 8) -> list[Completion]:
    async def go():
        async with TransformersEngine(folder, batch_size, "float32") as engine:
            jobs = zip(PROMPTS, samplings, strict=True)
            return await asyncio.gather(*[engine.complete(p, s) for p, s in jobs])

    return asyncio.run(go())


def test_greedy_is_what_generate_gives(model_folder, tokenizer):
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(model_folder)
    ours = complete(model_folder, [GREEDY] * 3)
    for prompt, completion in zip(PROMPTS, ours, strict=True):
        ids = tokenizer(prompt, return_tensors="pt")
        out = network.generate(**ids, max_new_tokens=12, do_sample=False)[0]
        text = tokenizer.decode(out[ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert completion.text == text
        assert completion.prompt_tokens == ids["input_ids"].shape[1]


def test_samples_depend_on_their_seed_and_not_on_their_neighbours(model_folder):
    hot = [Sampling(1.0, 1.0, 12, (), seed) for seed in (1, 2, 3)]
    together = complete(model_folder, hot)
    apart = complete(model_folder, hot, batch_size=1)
    assert [c.text for c in together] == [c.text for c in apart]
    others = complete(model_folder, [Sampling(1.0, 1.0, 12, (), seed) for seed in (4, 5, 6)])
    assert [c.text for c in together] != [c.text for c in others]


def test_a_stop_string_is_found_inside_and_across_tokens(model_folder):
    free = complete(model_folder, [GREEDY] * 3)[1]
    word = free.text[2:5]
    stopped = complete(model_folder, [Sampling(0, 1, 12, (word,), 1)] * 3)[1]
    assert stopped.finish == "stop"
    assert stopped.text == free.text[: free.text.index(word) + len(word)]


def test_length_ends_a_completion(model_folder):
    completion = complete(model_folder, [GREEDY] * 3)[0]
    assert completion.finish in ("length", "end")
    assert completion.generated_tokens <= 12
    assert completion.logprob_sum < 0


def test_a_text_that_goes_on_is_not_read_again_and_ends_the_same(model_folder):
    """A step, then a longer prompt that begins with it, as after a program has run."""

    async def go(keep: bool) -> list[str]:
        async with TransformersEngine(model_folder, 8, "float32") as engine:
            free = (await engine.complete(PROMPTS[1], GREEDY)).text
            stop = Sampling(0, 1, 12, (free[3:6],), 1)
            first = await engine.complete(PROMPTS[1], stop)
            assert first.finish == "stop"
            longer = [PROMPTS[1] + first.text + more for more in (" 12 how", " We add. 9", "x")]
            if not keep:
                engine.prefixes.kept.clear()
            known = [
                engine.prefixes.longest(engine.tokenizer(text)["input_ids"]) for text in longer
            ]
            assert all((past is not None) == keep for past in known)
            done = await asyncio.gather(*[engine.complete(text, GREEDY) for text in longer])
            return [completion.text for completion in done]

    assert asyncio.run(go(keep=True)) == asyncio.run(go(keep=False))


def test_a_prompt_of_one_token(model_folder, tokenizer):
    assert len(tokenizer("W")["input_ids"]) == 1

    async def go() -> Completion:
        async with TransformersEngine(model_folder, 8, "float32") as engine:
            return await engine.complete("W", GREEDY)

    assert asyncio.run(go()).prompt_tokens == 1


def test_prefixes_are_given_up_least_lately_used_first(monkeypatch):
    import torch

    from numina.engine import cache

    monkeypatch.setattr(cache, "KEPT_TOKENS", 6)
    prefixes = cache.Prefixes()
    prefixes.add([1, 2, 3], torch.zeros(1, 2, 1, 3, 1))
    prefixes.add([4, 5, 6], torch.ones(1, 2, 1, 3, 1))
    assert prefixes.longest([1, 2, 9]).shape[-2] == 2
    prefixes.add([7, 8], torch.zeros(1, 2, 1, 2, 1))
    assert prefixes.longest([4, 5]) is None
    assert prefixes.longest([1, 2, 3, 4]).shape[-2] == 3


def test_top_p_leaves_only_the_likeliest():
    import torch

    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05]).expand(4000, 4)
    uniform = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    drawn = sample(probabilities, torch.full((4000, 1), 0.7), uniform).tolist()
    assert set(drawn) == {0, 1}
    drawn = sample(probabilities, torch.ones(4000, 1), uniform).tolist()
    assert drawn.count(0) / 4000 == pytest.approx(0.5, abs=0.04)
    assert drawn.count(3) / 4000 == pytest.approx(0.05, abs=0.02)


def test_rows_join_and_leave_a_running_batch(model_folder):
    """Completions of many lengths through two places, asked for at different times."""
    samplings = [Sampling(1.0, 1.0, 3 + 5 * (i % 4), (), i) for i in range(12)]
    prompts = [PROMPTS[i % 3] for i in range(12)]

    async def go(batch_size: int, pause: float) -> list[str]:
        async with TransformersEngine(model_folder, batch_size, "float32") as engine:
            tasks = []
            for prompt, sampling in zip(prompts, samplings, strict=True):
                tasks.append(asyncio.create_task(engine.complete(prompt, sampling)))
                await asyncio.sleep(pause)
            return [completion.text for completion in await asyncio.gather(*tasks)]

    alone = asyncio.run(go(1, 0))
    assert asyncio.run(go(2, 0)) == alone
    assert asyncio.run(go(5, 0.01)) == alone


def test_a_cancelled_completion_leaves_the_batch(model_folder):
    async def go() -> tuple[int, str]:
        async with TransformersEngine(model_folder, 4, "float32") as engine:
            endless = Sampling(1.0, 1.0, 400, (), 3)
            given_up = [asyncio.create_task(engine.complete(p, endless)) for p in PROMPTS]
            await asyncio.sleep(0.1)
            for task in given_up:
                task.cancel()
            return (await engine.complete(PROMPTS[0], GREEDY)).text

    assert asyncio.run(go()) == complete(model_folder, [GREEDY] * 3)[0].text


def test_what_was_read_before_is_told(model_folder):
    async def go() -> list[int]:
        async with TransformersEngine(model_folder, 8, "float32") as engine:
            first = await engine.complete(PROMPTS[1], GREEDY)
            again = await engine.complete(PROMPTS[1] + " 12", GREEDY)
            return [first.cached_tokens, again.cached_tokens, first.prompt_tokens]

    first, again, length = asyncio.run(go())
    assert first == 0
    assert again == length - 1  # the last token of a prompt is where decoding begins


def test_without_prefix_caching_the_text_is_the_same_and_all_is_read_anew(model_folder):
    async def go(prefix_caching: bool) -> list[Completion]:
        engine = TransformersEngine(model_folder, 8, "float32", prefix_caching)
        async with engine:
            prompts = [*PROMPTS, PROMPTS[0], PROMPTS[0]]
            first = await asyncio.gather(*[engine.complete(p, GREEDY) for p in prompts])
            return [*first, await engine.complete(PROMPTS[0] + " 12", GREEDY)]

    kept, anew = asyncio.run(go(True)), asyncio.run(go(False))
    assert [completion.text for completion in anew] == [completion.text for completion in kept]
    assert [completion.cached_tokens for completion in anew] == [0] * len(anew)
    assert kept[-1].cached_tokens > 0


def test_the_first_stop_string_cuts():
    assert cut_at_stop("ab```output\ncd", ("```output\n",)) == "ab```output\n"
    assert cut_at_stop("abc", ("x",)) is None
    assert cut_at_stop("a;b.c", (".", ";")) == "a;"


def test_a_folder_without_a_model_or_tokenizer_is_refused(tmp_path):
    with pytest.raises(UserError, match="no config"):
        TransformersEngine(tmp_path, 1, "float32")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="no tokenizer_config"):
        TransformersEngine(tmp_path, 1, "float32")
