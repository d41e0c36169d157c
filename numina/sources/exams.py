"""Read the pages of exam PDFs.

A page's text layer is used where it is sound; else the page is rendered and read by OCR
(RapidOCR, whose models come with its package). A text layer counts as sound when it has at least
40 characters, at most 5 in 100 of them are control, unassigned, private-use or replacement
characters (the pieces of TeX's tall brackets are private-use, and are let pass), and at least 9 in
10 letters are ASCII, Greek, mathematical or Chinese: a broken font map shows as accented Latin.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numina.errors import UserError
from numina.settings.data import Digitize

LEAST_CHARACTERS = 40
MOST_BROKEN = 0.05
LEAST_USUAL = 0.9
BRACKET_PIECES = range(0xF8E0, 0xF900)
USUAL_LETTERS = (range(0x80), range(0x370, 0x400), range(0x1D400, 0x1D800), range(0x3400, 0xA000))


@dataclass(frozen=True, slots=True)
class Page:
    """One page's text and how it was had.

    Attributes:
        file: the PDF's name.
        page: from 1.
        method: text_layer, ocr, or skipped (no sound text layer, and OCR is off).
        characters: length of the text.
        confidence: OCR's mean confidence; 1 for a text layer, 0 for a skipped page.
        text: the page's text.
    """

    file: str
    page: int
    method: Literal["text_layer", "ocr", "skipped"]
    characters: int
    confidence: float
    text: str


def is_sound(text: str) -> bool:
    """Whether a text layer can be trusted; the rules are in the module's docstring."""
    shown = [ord(char) for char in text if not char.isspace()]
    shown = [code for code in shown if code not in BRACKET_PIECES]
    if len(shown) < LEAST_CHARACTERS:
        return False
    kinds = [unicodedata.category(chr(code)) for code in shown]
    broken = sum(kind in ("Cc", "Co", "Cn", "Cs") for kind in kinds) + shown.count(0xFFFD)
    letters = [code for code, kind in zip(shown, kinds, strict=True) if kind[0] == "L"]
    usual = sum(any(code in block for block in USUAL_LETTERS) for code in letters)
    return broken <= MOST_BROKEN * len(shown) and usual >= LEAST_USUAL * len(letters)


def read_pages(file: Path, params: Digitize) -> list[Page]:
    """The text of every page of a PDF.

    Raises:
        UserError: the file cannot be read as a PDF.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        raise UserError(f"{file}: cannot be read as a PDF ({error})") from None
    reader: Any = None
    pages = []
    for number, page in enumerate(document, 1):
        text = page.get_textpage().get_text_bounded().replace("\r\n", "\n")
        method: Literal["text_layer", "ocr", "skipped"] = "text_layer"
        confidence = 1.0
        if not is_sound(text):
            text, method, confidence = "", "skipped", 0.0
            if params.ocr:
                if reader is None:
                    from rapidocr_onnxruntime import RapidOCR

                    reader = RapidOCR()
                image = page.render(scale=params.scale).to_numpy()
                text, confidence = read_image(reader, image, params.min_confidence)
                method = "ocr"
        pages.append(Page(file.name, number, method, len(text), round(confidence, 4), text))
    return pages


def read_image(reader: Any, image: Any, min_confidence: float) -> tuple[str, float]:
    """Text of a page image (height, width, channels), line by line, and the mean confidence."""
    found, _ = reader(image)
    kept = [(box, text, float(score)) for box, text, score in found or []]
    kept = [line for line in kept if line[2] >= min_confidence]
    if not kept:
        return "", 0.0
    lines: list[list[tuple[Any, str, float]]] = []
    for line in sorted(kept, key=lambda line: line[0][0][1]):
        top, height = line[0][0][1], line[0][3][1] - line[0][0][1]
        if lines and top - lines[-1][0][0][0][1] < height / 2:
            lines[-1].append(line)  # a piece further right on the same line
        else:
            lines.append([line])
    text = "\n".join(
        " ".join(piece[1] for piece in sorted(line, key=lambda piece: piece[0][0][0]))
        for line in lines
    )
    return text, sum(line[2] for line in kept) / len(kept)
