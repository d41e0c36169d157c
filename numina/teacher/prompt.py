"""The prompts of a teacher, and what a conversation with it looks like."""

from __future__ import annotations

from pathlib import Path

from numina.errors import UserError
from numina.fences import blocks
from numina.local import from_root
from numina.template import TEMPLATES, Template

SHIPPED = Path(__file__).with_name("prompts")
PLACE = "{problem}"


def prompt_named(name: str) -> Template:
    """A prompt with a place for the problem.

    Args:
        name: of a template of the DAG's own models, or of a file of ``numina/teacher/prompts``
            without its ending; or the path of a file.

    Raises:
        UserError: there is no such file, or it has no place for the problem.
    """
    if name in TEMPLATES:
        return TEMPLATES[name]
    file = SHIPPED / f"{name}.md"
    if not file.exists():
        file = from_root(name)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join([*sorted(path.stem for path in SHIPPED.glob("*.md")), *TEMPLATES])
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise UserError(
            f"teacher.prompt: {name!r} is none of {known}, and as a file: {reason}"
        ) from None
    if PLACE not in text:
        raise UserError(f"teacher.prompt: {name!r} has no {PLACE}")
    return Template(text)


def next_problem(template: Template) -> str:
    """What a text would go on with if a model added another problem; "" if nothing marks one.

    It is what stands before the problem on its line, as in prompts with examples.
    """
    before = template.prompt.partition(PLACE)[0]
    line = before.rpartition("\n")[2].strip()
    return f"\n{line}" if line else ""


def conversation(asked: str, text: str) -> list[dict[str, str]]:
    """A trace so far as the messages of a chat: what programs printed is said by the user.

    Args:
        asked: the prompt.
        text: what follows it: empty, or up to the last output of a program.
    """
    messages = [{"role": "user", "content": asked}]
    at = 0
    for block in blocks(text):
        if block.kind == "output":
            messages.append({"role": "assistant", "content": text[at : block.start].strip()})
            messages.append({"role": "user", "content": text[block.start : block.end].strip()})
            at = block.end
    rest = text[at:].strip()
    if rest:  # of an output that has fences of its own
        messages[-1]["content"] += "\n" + rest
    return messages
