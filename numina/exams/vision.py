"""A vision model on an OpenAI-compatible server reads the picture of a page, formulas included."""

from __future__ import annotations

import asyncio
import base64
import io
import os
from typing import Any

from numina.errors import UserError
from numina.settings.hardware import VisionHardware

PROMPT = (
    "Transcribe this page of an exam exactly, in its own language and reading order. Write formulas"
    " in LaTeX between $ signs. Keep labels of problems and words such as Solution, Proof, 解, 证"
    " as they are printed, each at the start of a line. Leave out page numbers, running headers and"
    " boxes for marks. Write only the text of the page; if it has none, write NOTHING."
)
MOST_TOKENS = 8192  # of a page


class PageFailed(Exception):
    """The model gave no usable text for a page; the message says why."""


def read_page(image: Any, model: str, hardware: VisionHardware) -> str:
    """The text of a page.

    Args:
        image: height, width, three channels (BGR).
        model: its name on the server.
        hardware: where the server is, and how long to wait for it.

    Raises:
        PageFailed: the reply is late, refused, cut off or empty.
        UserError: the server cannot be reached, or refuses the key or the model.
    """
    return asyncio.run(ask(picture(image), model, hardware))


def picture(image: Any) -> str:
    """An image as a URL that holds it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., ::-1].copy()).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


async def ask(url: str, model: str, hardware: VisionHardware) -> str:
    """One request for one page."""
    import openai

    content = [
        {"type": "text", "text": PROMPT},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    where = f"hardware.vision.url: {hardware.url}"
    key = os.environ.get(hardware.key_variable) if hardware.key_variable else None
    async with openai.AsyncOpenAI(base_url=hardware.url, api_key=key or "none") as client:
        try:
            async with asyncio.timeout(hardware.timeout_s):  # openai's own is for each read
                reply: Any = await client.chat.completions.create(
                    model=model,
                    messages=[{"role": "user", "content": content}],  # type: ignore[list-item]
                    temperature=0,
                    max_tokens=MOST_TOKENS,
                )
        except (TimeoutError, openai.APITimeoutError):
            raise PageFailed(f"no reply in {hardware.timeout_s:g} s") from None
        except openai.APIConnectionError:
            raise UserError(f"{where}: cannot be reached") from None
        except (
            openai.AuthenticationError,
            openai.PermissionDeniedError,
            openai.NotFoundError,
        ) as error:
            raise UserError(f"{where}: {error.message}") from None
        except (openai.APIError, ValueError) as error:
            raise PageFailed(f"the server failed: {error}") from None
    return text_of_reply(reply)


def text_of_reply(reply: Any) -> str:
    """The text of a reply.

    Raises:
        PageFailed: there is none, or it was cut off.
    """
    choices = getattr(reply, "choices", None)
    if not choices:
        raise PageFailed("the reply has no choices")
    text = getattr(choices[0].message, "content", None)
    if not isinstance(text, str) or not text.strip():
        raise PageFailed("the reply is empty")
    if choices[0].finish_reason == "length":
        raise PageFailed(f"the reply is longer than {MOST_TOKENS} tokens")
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.partition("\n")[2].removesuffix("```").strip()
    return "" if text == "NOTHING" else text
