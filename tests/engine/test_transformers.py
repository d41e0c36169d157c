"""The transformers engine on a real, small model."""

import asyncio
import itertools
import json
import shutil
from pathlib import Path

import pytest

from numina.engine.draw import sample
from numina.engine.protocol import Completion, CompletionFailed, Sampling, cut_at_stop
from numina.engine.transformers import SHARE, STEPS, Batch, TransformersEngine
from numina.errors import UserError
from tests.conftest import changed_params
from tests.engine.appending import appending

GREEDY = Sampling(temperature=0, top_p=1, max_new_tokens=12, stop=(), seed=1)
DRAWN = [
    "Wh\\ in\ufffd\ufffdint\u0005We\ufffd\ufffdU\ufffd",
    "\ufffd\ufffdN +=K]\ufffdputo\u001eT:",
    ")){\ufffd\ufffd for\ufffdunt\ufffd$?Meg\ufffd",
]
PROMPTS = ["We add", "What is $4+12$? The answer", "print(range(n))"]


def opened(folder, batch_size: int = 8, cache_mb: float = 100, **engine) -> TransformersEngine:
    changes = {"engine.batch_size": batch_size, "hardware.transformers.cache_mb": cache_mb}
    changes |= {f"engine.{key}": value for key, value in engine.items()}
    params = changed_params(changes)
    return TransformersEngine(folder, params.engine, params.hardware.transformers, 512)


def complete(folder, samplings: list[Sampling], batch_size: int = 8) -> list[Completion]:
    async def go():
        async with opened(folder, batch_size) as engine:
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
        async with opened(model_folder, 8) as engine:
            free = (await engine.complete(PROMPTS[1], GREEDY)).text
            stop = Sampling(0, 1, 12, (free[3:6],), 1)
            first = await engine.complete(PROMPTS[1], stop)
            assert first.finish == "stop"
            longer = [PROMPTS[1] + first.text + more for more in (" 12 how", " We add. 9", "x")]
            if not keep:
                engine.prefixes.clear()
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
        async with opened(model_folder, 8) as engine:
            return await engine.complete("W", GREEDY)

    assert asyncio.run(go()).prompt_tokens == 1


def test_prefixes_are_given_up_least_lately_used_first():
    import torch

    from numina.engine.cache import Prefixes

    prefixes = Prefixes(most=6 * 2 * 4)  # bytes: six tokens, a key and a value each
    prefixes.add([1, 2, 3], torch.zeros(1, 2, 1, 3, 1))
    prefixes.add([4, 5, 6], torch.ones(1, 2, 1, 3, 1))
    assert prefixes.longest([1, 2, 9]).shape[-2] == 2
    prefixes.add([7, 8], torch.zeros(1, 2, 1, 2, 1))
    assert prefixes.longest([4, 5]) is None
    assert prefixes.longest([1, 2, 3, 4]).shape[-2] == 3
    prefixes.add([7, 8], torch.zeros(1, 2, 1, 2, 1))
    assert prefixes.bytes == sum(past.nbytes for _, past in prefixes.kept.values()) == 5 * 2 * 4


def test_a_cache_without_room_changes_no_text(model_folder):
    async def go(cache_mb: float) -> list[str]:
        async with opened(model_folder, cache_mb=cache_mb) as engine:
            first = [(await engine.complete(prompt, GREEDY)).text for prompt in PROMPTS]
            assert (len(engine.prefixes.kept) == 1) == (cache_mb == 0)
            return first

    assert asyncio.run(go(0)) == asyncio.run(go(100))


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
        async with opened(model_folder, batch_size) as engine:
            tasks = []
            for prompt, sampling in zip(prompts, samplings, strict=True):
                tasks.append(asyncio.create_task(engine.complete(prompt, sampling)))
                await asyncio.sleep(pause)
            return [completion.text for completion in await asyncio.gather(*tasks)]

    alone = asyncio.run(go(1, 0))
    assert asyncio.run(go(2, 0)) == alone
    assert asyncio.run(go(5, 0.01)) == alone


def test_rows_wait_for_each_other_but_not_for_long(model_folder, monkeypatch):
    """Of rows that come one by one, several join a batch of 24 at a time."""
    steps: list[tuple[int, int]] = []  # rows in the batch, and those that join it

    def advance(batch, joining):
        steps.append((len(batch.rows), len(joining)))
        return advanced(batch, joining)

    advanced = Batch.advance
    monkeypatch.setattr(Batch, "advance", advance)
    sampling = Sampling(1.0, 1.0, 60, (), 3)

    async def go() -> list[Completion]:
        async with opened(model_folder, 48) as engine:

            def ask() -> asyncio.Task[Completion]:
                return asyncio.create_task(engine.complete(PROMPTS[0], sampling))

            asked = [ask() for _ in range(24)]
            for step in range(1, 21):
                while len(steps) < step:
                    await asyncio.sleep(0)
                asked.append(ask())
            return await asyncio.gather(*asked)

    found = asyncio.run(go())
    assert len({completion.text for completion in found}) == 1
    joins = [(step, rows, new) for step, (rows, new) in enumerate(steps) if new]
    assert sum(new for *_, new in joins) == 44
    for (before, *_), (step, rows, new) in itertools.pairwise(joins):
        assert new >= rows * SHARE or step - before > STEPS
    assert all(step - before <= STEPS + 2 for (before, *_), (step, *_) in itertools.pairwise(joins))


def test_a_cancelled_completion_leaves_the_batch(model_folder):
    async def go() -> tuple[int, str]:
        async with opened(model_folder, 4) as engine:
            endless = Sampling(1.0, 1.0, 400, (), 3)
            given_up = [asyncio.create_task(engine.complete(p, endless)) for p in PROMPTS]
            await asyncio.sleep(0.1)
            for task in given_up:
                task.cancel()
            return (await engine.complete(PROMPTS[0], GREEDY)).text

    assert asyncio.run(go()) == complete(model_folder, [GREEDY] * 3)[0].text


def test_what_was_read_before_is_told(model_folder):
    async def go() -> list[int]:
        async with opened(model_folder, 8) as engine:
            first = await engine.complete(PROMPTS[1], GREEDY)
            again = await engine.complete(PROMPTS[1] + " 12", GREEDY)
            return [first.cached_tokens, again.cached_tokens, first.prompt_tokens]

    first, again, length = asyncio.run(go())
    assert first == 0
    assert again == length - 1  # the last token of a prompt is where decoding begins


def test_without_prefix_caching_the_text_is_the_same_and_all_is_read_anew(model_folder):
    async def go(prefix_caching: bool) -> list[Completion]:
        async with opened(model_folder, prefix_caching=prefix_caching) as engine:
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


def variant(model_folder, tmp_path, changes: dict) -> Path:
    """The tiny model with another generation_config.json."""
    folder = Path(shutil.copytree(model_folder, tmp_path / "variant"))
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


def test_each_end_token_of_the_generation_settings_ends(model_folder, tokenizer, tmp_path):
    free = complete(model_folder, [GREEDY] * 3)[1]
    assert free.generated_tokens > 1
    length = len(tokenizer(PROMPTS[1])["input_ids"])
    first = tokenizer(PROMPTS[1] + free.text)["input_ids"][length]
    folder = variant(model_folder, tmp_path, {"eos_token_id": [399, first]})
    assert opened(folder).ends == {first, 399, tokenizer.eos_token_id}
    ended = complete(folder, [GREEDY] * 3)[1]
    assert (ended.finish, ended.generated_tokens) == ("end", 1)


def test_a_row_that_fails_fails_alone(model_folder, monkeypatch):
    """The network, the tokenizer and the logits each fail for one of three rows."""
    whole = [completion.text for completion in complete(model_folder, [GREEDY] * 3)]

    async def go(spoil) -> list:
        async with opened(model_folder) as engine:
            spoil(engine)
            jobs = [engine.complete(prompt, GREEDY) for prompt in PROMPTS]
            return await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 60)

    def network(engine) -> None:
        forward, bad = engine.network.forward, engine.tokenizer(PROMPTS[1])["input_ids"]

        def fails(*, input_ids, **given):
            if any(bad[-1] in row for row in input_ids.tolist()):
                raise RuntimeError("a kernel that fails")
            return forward(input_ids=input_ids, **given)

        monkeypatch.setattr(engine.network, "forward", fails)

    def logits(engine) -> None:
        step = Slots.step

        def spoiled(slots, network, tokens):
            found = step(slots, network, tokens)
            found[tokens[:, 0] == engine.tokenizer(PROMPTS[1])["input_ids"][-1]] = float("nan")
            return found

        monkeypatch.setattr(Slots, "step", spoiled)

    from numina.engine.cache import Slots

    for spoil, reason in ((network, "a kernel that fails"), (logits, "not numbers")):
        with monkeypatch.context():
            done = asyncio.run(go(spoil))
        assert isinstance(done[1], CompletionFailed)
        assert reason in str(done[1])
        assert [done[0].text, done[2].text] == [whole[0], whole[2]]
        monkeypatch.undo()


def test_a_batch_that_is_too_large_goes_on_in_smaller_ones(model_folder, monkeypatch, capsys):
    whole = [completion.text for completion in complete(model_folder, [GREEDY] * 3)]

    async def go() -> list[Completion]:
        async with opened(model_folder) as engine:
            forward = engine.network.forward

            def fails(*, input_ids, **given):
                if len(input_ids) > 2:
                    raise RuntimeError("out of memory")
                return forward(input_ids=input_ids, **given)

            monkeypatch.setattr(engine.network, "forward", fails)
            jobs = [engine.complete(prompt, GREEDY) for prompt in PROMPTS]
            return await asyncio.wait_for(asyncio.gather(*jobs), 60)

    assert [completion.text for completion in asyncio.run(go())] == whole
    assert "out of memory; 1 rows at once from now on" in capsys.readouterr().err


def test_an_engine_that_fails_whatever_it_is_asked_ends_the_run(model_folder, monkeypatch):
    async def go() -> None:
        async with opened(model_folder) as engine:

            def fails(**given):
                raise RuntimeError("the card is lost")

            monkeypatch.setattr(engine.network, "forward", fails)
            await asyncio.wait_for(
                asyncio.gather(*[engine.complete(p, GREEDY) for p in PROMPTS]), 60
            )

    with pytest.raises(UserError, match="decoding fails: RuntimeError: the card is lost"):
        asyncio.run(go())


@pytest.mark.parametrize(("prompt", "reason"), [("", "empty"), ("x" * 10_000_000, "characters")])
def test_a_prompt_that_cannot_be_continued_fails_alone(model_folder, prompt, reason):
    async def go() -> None:
        async with opened(model_folder) as engine:
            await engine.complete(prompt, GREEDY)

    with pytest.raises(CompletionFailed, match=reason):
        asyncio.run(go())


def attention(dtype, scale: float):
    """Our attention of one token and torch's own, in float64, for the same query and keys."""
    import torch

    from numina.engine.attention import grouped_attention

    draw = torch.Generator().manual_seed(0)
    query, key, value = (
        (torch.randn(2, heads, size, 64, generator=draw) * factor).to(dtype)
        for heads, size, factor in ((6, 1, scale), (3, 40, scale), (3, 40, 1.0))
    )
    mask = torch.ones(2, 1, 1, 40, dtype=torch.bool)
    mask[1, :, :, 25:] = False
    ours, _ = grouped_attention(None, query, key, value, mask, scaling=64**-0.5)
    exact = torch.nn.functional.scaled_dot_product_attention(
        *(x.double() for x in (query, key, value)), mask, scale=64**-0.5, enable_gqa=True
    )
    direct = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, mask, scale=64**-0.5, enable_gqa=True
    )
    return ours.transpose(1, 2).double(), direct.double(), exact


def test_attention_in_16_bits_is_as_exact_as_torch_s_own():
    import torch

    for dtype in (torch.float16, torch.bfloat16):
        ours, direct, exact = attention(dtype, 1.0)
        assert (ours - exact).abs().max() <= 1.1 * (direct - exact).abs().max()
    ours, _, exact = attention(torch.float32, 1.0)
    assert (ours - exact).abs().max() < 1e-6


def test_attention_in_float16_does_not_overflow():
    """Scores before scaling are far beyond 65504, float16's largest number."""
    import torch

    ours, _, exact = attention(torch.float16, 60.0)
    assert torch.isfinite(ours).all()
    assert (ours - exact).abs().max() < 0.01


def special(tmp_path, model_folder, config) -> Path:
    """A random model of another architecture, with the tiny model's tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = Path(shutil.copytree(model_folder, tmp_path / config.model_type))
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


SMALL = {
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "pad_token_id": 0,
    "max_position_embeddings": 1024,
}


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (
            "GptOssConfig",
            {"num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 128},
            "see 128 tokens",
        ),
        (
            "GptOssConfig",
            {"num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 4096},
            "attention sinks",
        ),
        ("Gemma2Config", {"sliding_window": 4096}, "soft caps"),
        ("MistralConfig", {"sliding_window": 64}, "see 64 tokens"),
    ],
)
def test_attention_that_is_not_computed_is_refused(tmp_path, model_folder, kind, changes, reason):
    import transformers

    config = getattr(transformers, kind)(**(SMALL | changes))
    with pytest.raises(UserError, match=f"{reason}.*engine.name=vllm") as error:
        opened(special(tmp_path, model_folder, config))
    assert config.model_type in str(error.value)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("MistralConfig", {"sliding_window": 4096}), ("Qwen2Config", {}), ("Qwen3Config", {})],
)
def test_other_plain_architectures_decode_as_generate_does(
    tmp_path, model_folder, tokenizer, kind, changes
):
    import transformers

    folder = special(tmp_path, model_folder, getattr(transformers, kind)(**(SMALL | changes)))
    network = transformers.AutoModelForCausalLM.from_pretrained(folder)
    for prompt, ours in zip(PROMPTS, complete(folder, [GREEDY] * 3), strict=True):
        ids = tokenizer(prompt, return_tensors="pt")
        out = network.generate(**ids, max_new_tokens=12, do_sample=False)[0]
        text = tokenizer.decode(out[ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert ours.text == text


def test_the_draws_of_a_seed_are_what_they_were(model_folder):
    """The tokens that seeds gave before drawing took place on the model's own device."""
    hot = [Sampling(0.6, 0.9, 12, (), seed) for seed in (1, 2, 3)]
    assert [completion.text for completion in complete(model_folder, hot)] == DRAWN


def test_a_prompt_never_ends_in_the_end_token_that_a_tokenizer_appends(model_folder, tmp_path):
    """After it there is nothing to continue."""
    folder = appending(model_folder, tmp_path / "appends")
    prompt = "What is $4+12$?"
    sampling = Sampling(temperature=0, top_p=1, max_new_tokens=6, stop=(), seed=1)

    async def text(model) -> tuple[str, int]:
        async with opened(model) as engine:
            done = await engine.complete(prompt, sampling)
            return done.text, engine.count_tokens(prompt)

    assert asyncio.run(text(folder)) == asyncio.run(text(model_folder))
