"""How published models are asked, as their makers did: the table behind `template.name: chat`.

A row has the messages, how programs are called, and what the makers decoded with. The prompt itself
is made by the chat template of the model's own tokenizer (`numina.agent.chat`). docs/published.md
has the table in words, with what was not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, NamedTuple

from numina.agent.calls import FENCED, Calls, Fenced, Harmony, Tagged

if TYPE_CHECKING:
    from numina.settings.params import Params


class Messages(NamedTuple):
    """What a model is sent: {problem} and {depth}, the programs that it may run, are filled in.

    A system message that is empty is left out.
    """

    user: str
    system: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """How one kind of models is asked.

    Attributes:
        models: the last part of their names, in lower case; * stands for any letters.
        tools: the messages that ask for programs.
        thought: the messages that ask for a chain of thought.
        calls: how programs are called.
        source: of all of this.
        options: for the chat template, beside the messages.
        tools_options: the same, where programs are asked for.
        context: tokens that the model was used with.
        step: new tokens at most between two programs.
        depth: programs that a trace may run.
        temperature, top_p: of the samples for votes.
    """

    models: tuple[str, ...]
    tools: Messages
    thought: Messages
    calls: Calls
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tools_options: Mapping[str, Any] = field(default_factory=dict)
    context: int = 4096
    step: int = 2048
    depth: int = 4
    temperature: float = 0.7
    top_p: float = 1.0


BOXED = "put your final answer within \\boxed{}."
STEPS = f"Please reason step by step, and {BOXED}"
PROGRAMS = (
    "Please integrate natural language reasoning with programs to solve the problem above, and "
    + BOXED
)
PLAIN = Messages("{problem}")
OPENMATH = "Solve the following math problem. Make sure to put the answer (and only answer) inside "
OPENMATH_THOUGHT = Messages(OPENMATH + "\\boxed{}.\n\n{problem}")

PUBLISHED: dict[str, Published] = {
    # The winners' own notebook is `template.name: winners`, which gives the same prompt.
    "numina-tir": Published(
        models=("numinamath-*-tir*",),
        tools=PLAIN,
        thought=PLAIN,
        calls=FENCED,
        temperature=0.8,
        source="project-numina/aimo-progress-prize, kaggle-solution.ipynb; the model card of "
        "AI-MO/NuminaMath-7B-TIR",
    ),
    # It was trained on chains of thought alone: it is not expected to write programs.
    "numina-cot": Published(
        models=("numinamath-*-cot*",),
        tools=PLAIN,
        thought=PLAIN,
        calls=FENCED,
        temperature=0.8,
        source="project-numina/aimo-progress-prize, training/configs/stage-1-cot.yaml",
    ),
    "deepseek-math": Published(
        models=("deepseek-math-*-instruct", "deepseek-math-*-rl"),
        tools=Messages(f"{{problem}}\n{PROGRAMS}"),
        thought=Messages(f"{{problem}}\n{STEPS}"),
        calls=Fenced(chat=True),
        step=1024,
        depth=1,  # theirs decodes twice: programs, then the rest
        source="deepseek-ai/DeepSeek-Math, evaluation/run_subset_parallel.py "
        "(`markup_question`) and evaluation/infer/run_tool_integrated_eval.py",
    ),
    "qwen2.5-math": Published(
        models=("qwen2.5-math-*-instruct",),
        tools=Messages("{problem}", PROGRAMS),
        thought=Messages("{problem}", STEPS),
        calls=Fenced(chat=True),
        top_p=0.8,
        source="QwenLM/Qwen2.5-Math, README.md and evaluation/math_eval.py; QwenLM/Qwen-Agent, "
        "qwen_agent/agents/tir_agent.py",
    ),
    "openmath-nemotron": Published(
        models=("openmath-nemotron-*b",),
        tools=Messages(
            "Solve the following math problem, integrating natural language reasoning with Python "
            "code executions.\nYou may perform up to {depth} Python code calls to assist your "
            "reasoning.\nMake sure to put the answer (and only answer) inside \\boxed{}.\n\n"
            "{problem}"
        ),
        thought=OPENMATH_THOUGHT,
        calls=Tagged(),
        context=40960,
        step=32768,
        depth=8,
        temperature=0.6,
        top_p=0.95,
        source="arXiv 2504.16891, appendix C and table 7; NVIDIA/NeMo-Skills, "
        "docs/releases/openmathreasoning/evaluation.md",
    ),
    # The model of the second AIMO calls programs under the prompt for chains of thought.
    "openmath-nemotron-kaggle": Published(
        models=("openmath-nemotron-*-kaggle",),
        tools=OPENMATH_THOUGHT,
        thought=OPENMATH_THOUGHT,
        calls=Tagged(counted=False),
        context=40960,
        step=32768,
        depth=8,
        temperature=0.6,
        top_p=0.95,
        source="NVIDIA/NeMo-Skills, docs/releases/openmathreasoning/evaluation.md",
    ),
    # Sliding windows and sinks: engine transformers refuses it; use engine.name=vllm or server.
    "gpt-oss": Published(
        models=("gpt-oss-*",),
        tools=Messages(f"{{problem}}\n{STEPS}"),
        thought=Messages(f"{{problem}}\n{STEPS}"),
        calls=Harmony(),
        options={"reasoning_effort": "high"},
        tools_options={"builtin_tools": ["python"]},
        context=131072,
        step=120000,
        depth=100,
        temperature=1.0,
        source="openai/harmony, docs/format.md; openai/gpt-oss, README.md; NVIDIA/NeMo-Skills, "
        "docs/tutorials/posts/gpt-oss-python.md",
    ),
    # Ours, for a chat model that no row names.
    "any": Published(
        models=("*",),
        tools=Messages(
            "{problem}\nReason step by step. Where a computation helps, write a Python program "
            "between ```python and ```; what it prints is shown to you. Up to {depth} programs are "
            f"run. At the end, {BOXED}"
        ),
        thought=Messages(f"{{problem}}\n{STEPS}"),
        calls=Fenced(chat=True),
        source="ours",
    ),
}


def row_of(name: str) -> str:
    """The row of a model, by the last part of its name: of its hub id, or of its folder."""
    last = name.rstrip("/").rpartition("/")[2].lower()
    return next(row for row, found in PUBLISHED.items() if matches(last, found.models))


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def as_published(params: Params) -> Params:
    """Settings with what the table says of the model, where they leave it to the table.

    With `template.name: chat`, `template.model: ''` becomes the row of `base_model.name`; with
    `template.limits: published`, eval_greedy and sctir are decoded as the model's makers did.
    """
    template = params.template
    if template.name != "chat":
        return params
    model = template.model or row_of(params.base_model.name)
    changes: dict[str, Any] = {"template": template.model_copy(update={"model": model})}
    if template.limits == "published":
        row = PUBLISHED[model]
        limits = {"max_context": row.context, "max_new_tokens": row.step, "depth": row.depth}
        sampled = {**limits, "temperature": row.temperature, "top_p": row.top_p}
        changes["eval_greedy"] = params.eval_greedy.model_copy(update=limits)
        changes["sctir"] = params.sctir.model_copy(update=sampled)
    return params.model_copy(update=changes)
