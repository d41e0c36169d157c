"""Optical character recognition: pieces of text from the image of a page.

RapidOCR's models come with its package. They read lines of text, not formulas: what is stacked,
raised or lowered comes out as plain letters, so such pieces are marked as lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from numina.exams.line import Piece

NAME = "rapidocr 3.10, PP-OCRv6, 1"  # the last number counts changes of this file's rules
DOUBTFUL = 0.85  # mean confidence below which a page may be upside down
TALL = 1.55  # a piece this much taller than others holds more than a line
FLATTENED = re.compile(
    r"(?<![A-Za-z])[a-z]{1,2}[0-9]|[)\]}|][0-9]|[=<>≤≥+−-] ?[A-Z][0-9]"  # x2 may be x^2 or x_2
    r"|lim|[∑Σ∫∏√∛∩∪∂∇∞→⁰¹²³⁴-₎ⁿ]|\.\s*·|·\s*\."
)
FUNCTIONS = "sin|cos|tan|cot|sec|csc|log|ln|lg|max|min|sup|inf|exp|mod|gcd|det|arg"
IN_CHINESE = re.compile(rf"(?<![A-Za-z])(?!(?:{FUNCTIONS})(?![A-Za-z]))[A-Za-z]{{2,}}")
BESIDE = re.compile(r"[A-Za-z][0-9]|[0-9][A-Za-z]")  # 2n may be 2^n
CHINESE = re.compile(r"[\u3400-\u9fff]")
RAISED_SIGNS = "*°'\"“”‘’^?%"  # signs with a part that stands above the line


@dataclass(frozen=True, slots=True)
class Reading:
    """What OCR read on a page.

    Attributes:
        pieces: of text, in pixels of the upright image.
        confidence: mean over the pieces, from 0 to 1.
        width, height: of the upright image, in pixels.
    """

    pieces: list[Piece]
    confidence: float
    width: float
    height: float


@cache
def reader() -> Any:
    """RapidOCR, loaded once."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": 0.0,
            "Global.max_side_len": 4000,
            "Global.use_cls": False,  # whole pages are turned, below, not single lines
        }
    )


def read_image(image: Any, min_confidence: float) -> Reading:
    """Read an image of a page (height, width, channels), turned upright if it is not.

    Args:
        image: in BGR, as pypdfium2 renders it.
        min_confidence: what is read with less is written as ``[?]`` and marked as lost.
    """
    import numpy as np

    best = scored(image)
    tall = sum(sides(box)[1] > 1.5 * sides(box)[0] for box, text, _ in best if len(text) > 2)
    lines = sum(len(text) > 2 for _, text, _ in best)
    upright = image
    if lines and (2 * tall > lines or confidence(best) < DOUBTFUL):
        for turns in (1, 3) if 2 * tall > lines else (2,):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            found = scored(turned)
            if (2 * tall > lines and turns == 1) or confidence(found) > confidence(best):
                best, upright = found, turned
    height, width = upright.shape[:2]
    if not best:
        return Reading([], 0.0, width, height)
    usual = median(sides(box)[1] for box, *_ in best)
    pieces = [to_piece(*one, upright, usual, min_confidence) for one in best]
    return Reading(pieces, confidence(best), width, height)


def scored(image: Any) -> list[tuple[Any, str, float]]:
    """Boxes of an image, each with its text and confidence."""
    found = reader()(image)
    if found.boxes is None or found.txts is None:
        return []
    return [
        (box, text, float(score))
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
    ]


def confidence(found: list[tuple[Any, str, float]]) -> float:
    """Mean confidence, by length of the text."""
    total = sum(len(text) for _, text, _ in found)
    return sum(score * len(text) for _, text, score in found) / total if total else 0.0


def sides(box: Any) -> tuple[float, float]:
    """Width and height of a box of four corners."""
    xs, ys = [corner[0] for corner in box], [corner[1] for corner in box]
    return float(max(xs) - min(xs)), float(max(ys) - min(ys))


def to_piece(
    box: Any, text: str, score: float, image: Any, usual: float, min_confidence: float
) -> Piece:
    """A box as a piece, with a mark if its formulas cannot be trusted."""
    x0, x1 = float(min(c[0] for c in box)), float(max(c[0] for c in box))
    top, bottom = float(min(c[1] for c in box)), float(max(c[1] for c in box))
    height = bottom - top
    lost = ""
    if score < min_confidence:
        text, lost = "[?]", "low confidence"
    elif height > TALL * usual and len(text) > 1:
        lost = "tall"
    elif flattened(text):
        lost = "flattened"
    elif has_scripts(image, (x0, top, x1, bottom), text):
        lost = "script"
    size = 0.65 * min(height, TALL * usual)
    return Piece(text, x0, x1, bottom - 0.22 * height, top, bottom, size, lost=lost)


def flattened(text: str) -> bool:
    """Whether letters and digits stand as if they had been raised or lowered."""
    if FLATTENED.search(text):
        return True
    return bool(CHINESE.search(text) and (IN_CHINESE.search(text) or BESIDE.search(text)))


def has_scripts(image: Any, edges: tuple[float, float, float, float], text: str) -> bool:
    """Whether a line of Latin letters has raised or lowered letters.

    They are told by their height and place among the connected parts of ink; Chinese characters
    have parts of all heights, so nothing is said about lines with these.
    """
    import cv2

    if CHINESE.search(text):
        return False
    x0, top, x1, bottom = (max(0, int(edge)) for edge in edges)
    gray = cv2.cvtColor(image[top : bottom + 1, x0 : x1 + 1], cv2.COLOR_BGR2GRAY)
    if min(gray.shape) < 8:
        return False
    _, ink = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    parts = [tuple(int(value) for value in row[:4]) for row in stats[1:]]  # x, y, width, height
    heights = sorted(height for *_, height in parts)
    if not heights:
        return False
    letter = heights[int(0.9 * (len(heights) - 1))]
    level = median([y + h for _, y, _, h in parts if h > 0.5 * letter] or [0])
    raised = lowered = 0
    for _, y, wide, high in parts:
        if not 0.35 * letter < high < 0.72 * letter or wide < 0.2 * letter:
            continue
        raised += y + high < level - 0.3 * letter
        lowered += y + high > level + 0.12 * letter and y > level - 0.5 * letter
    return raised > sum(text.count(sign) for sign in RAISED_SIGNS) or lowered > text.count(",")
