"""Chat templates in the published formats, for a tokenizer of the tests.

Each is written here, after what was found of the model's format; it is not the makers' own file.
numina and deepseek-math: the repositories of numina/agent/published.py. qwen2.5-math: ChatML, as in
QwenLM/Qwen2.5-Math, evaluation/utils.py. openmath-nemotron: ChatML with an empty system message, as
in NVIDIA/NeMo-Skills; the template of its own tokenizer was not found. gpt-oss: openai/harmony,
docs/format.md, and the template in transformers' conversion script.
"""

from __future__ import annotations

import copy
from typing import Any

CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nDEFAULT<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NUMINA = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "### Problem: {{ message['content'] }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Solution: {% endif %}"
)
DEEPSEEK = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "User: {{ message['content'] }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
GPT_OSS = (
    "{%- macro system() -%}You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\nCurrent date: {{ strftime_now('%Y-%m-%d') }}\n\n"
    "Reasoning: {{ reasoning_effort }}\n\n"
    "{% if builtin_tools %}# Tools\n\n## python\n\nUse this tool to execute Python code.\n\n"
    "{% endif %}# Valid channels: analysis, commentary, final.{%- endmacro -%}"
    "<|start|>system<|message|>{{ system() }}<|end|>"
    "{% for message in messages %}<|start|>{{ message['role'] }}<|message|>"
    "{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
STEPS = "Please reason step by step, and put your final answer within \\boxed{}."
TEMPLATES = {
    "numina-tir": NUMINA,
    "numina-cot": NUMINA,
    "deepseek-math": DEEPSEEK,
    "qwen2.5-math": CHATML.replace("DEFAULT", STEPS),
    "openmath-nemotron": CHATML.replace("DEFAULT", ""),
    "openmath-nemotron-kaggle": CHATML.replace("DEFAULT", ""),
    "gpt-oss": GPT_OSS,
    "any": CHATML.replace("DEFAULT", "You are a helpful assistant."),
}
SPECIAL = {  # tokens that are special in the published tokenizers
    "gpt-oss": [f"<|{name}|>" for name in ("start", "message", "channel", "end", "call", "return")],
}


def speaking(tokenizer: Any, row: str) -> Any:
    """A copy of a tokenizer that has the chat template and the special tokens of a row."""
    changed = copy.deepcopy(tokenizer)
    changed.chat_template = TEMPLATES[row]
    special = SPECIAL.get(row, ["<|im_start|>", "<|im_end|>"])
    changed.add_special_tokens({"additional_special_tokens": special})
    if row == "deepseek-math":
        add_begin(changed)
    return changed


def add_begin(tokenizer: Any) -> None:
    """Make a tokenizer put a begin token before each text, as DeepSeekMath's does."""
    from tokenizers.processors import TemplateProcessing

    tokenizer.add_special_tokens({"bos_token": "<|begin|>"})
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|begin|> $A", special_tokens=[("<|begin|>", tokenizer.bos_token_id)]
    )
