"""Read the pages of exam PDFs, one by one.

A page's text layer is used if it is sound: at least 40 characters, at most 30 in 100 of them
without a letter (control, private-use or replacement characters; these mark their line as lost),
at least 9 in 10 letters ASCII, Greek, mathematical or Chinese (a broken font map gives accented
Latin), and no picture over the whole page (that is a scan, whose text layer another OCR made).
Other pages are rendered and read by a vision model if one is named, else by OCR. With a vision
model, it also reads pages whose text layer lost formulas.
"""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numina.exams import ocr, vision
from numina.exams.glyphs import pieces_of
from numina.exams.kept import KeptPages
from numina.exams.layout import arranged
from numina.exams.line import Line, Piece, plain_lines, text_of
from numina.settings.data import Digitize
from numina.settings.hardware import VisionHardware

LEAST_CHARACTERS = 40
MOST_BROKEN = 0.3
LEAST_USUAL = 0.9
SCAN = 0.8  # of the page's area
USUAL_LETTERS = (
    *(range(0x80), range(0x370, 0x400), range(0x1D400, 0x1D800)),
    *(range(0x2100, 0x2150), range(0x3400, 0xA000), range(0xFB00, 0xFB07)),
)
PIXELS_A_POINT = 8  # at most, for pages that are very small

Method = Literal["text_layer", "ocr", "vision", "skipped", "failed"]


class UnreadableExam(Exception):
    """A file cannot be read as a PDF; the message says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page and how it was read.

    Attributes:
        file: the PDF's name.
        page: from 1.
        method: text_layer, ocr, vision, skipped (no sound text layer, and OCR is off), or failed.
        characters: length of the text.
        confidence: OCR's mean confidence; 1 for other methods, 0 for a page that was not read.
        text: the page's text.
        note: why a page failed, or how it was read after all.
        lines: of the text, with their layout.
    """

    file: str
    page: int
    method: Method
    characters: int
    confidence: float
    text: str
    note: str = ""
    lines: tuple[Line, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reader:
    """How pages are read.

    Attributes:
        params: the stage's knobs.
        hardware: where the vision model is.
        kept: what was read before.
    """

    params: Digitize
    hardware: VisionHardware
    kept: KeptPages


def read_exam(file: Path, reader: Reader) -> Iterator[Page]:
    """The pages of a PDF, one by one; a page that cannot be read does not stop the others.

    Raises:
        UnreadableExam: the file cannot be read as a PDF.
        UserError: the vision model's server cannot be reached.
    """
    document = opened(file)
    try:
        for number in range(1, len(document) + 1):
            yield read_page(document, file.name, number, reader)
    finally:
        document.close()


def opened(file: Path) -> Any:
    """A PDF, opened.

    Raises:
        UnreadableExam: it is not one, is empty, or needs a password.
    """
    import pypdfium2

    try:
        if not file.stat().st_size:
            raise UnreadableExam("the file is empty")
        document = pypdfium2.PdfDocument(file)
    except (pypdfium2.PdfiumError, OSError) as error:
        locked = "assword" in str(error)
        why = "it needs a password" if locked else f"cannot be read as a PDF ({error})"
        raise UnreadableExam(why) from None
    if not len(document):
        raise UnreadableExam("it has no pages")
    return document


def read_page(document: Any, name: str, number: int, reader: Reader) -> Page:
    """One page of a document."""
    import pypdfium2

    try:
        page = document[number - 1]
        try:
            pieces, width, height = pieces_of(page)
            lines = arranged(pieces, number, width, height)
            sound = is_sound(text_of(lines)) and not is_scan(page)
            lost = any(line.lost for line in lines)
            model = reader.params.vision
            if sound and not (lost and model):
                return made(name, number, "text_layer", lines)
            if not sound and not model and not reader.params.ocr:
                return unread(name, number, "skipped", "no sound text layer, and OCR is off")
            image = rendered(page, reader.params)
        finally:
            page.close()
    except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
        return unread(name, number, "failed", str(error) or type(error).__name__)
    note = ""
    if model:
        try:
            text = by_vision(image, reader)
            return made(name, number, "vision", plain_lines(text, number))
        except vision.PageFailed as error:
            note = f"vision: {error}"
    if sound:
        return made(name, number, "text_layer", lines, note=note)
    if not reader.params.ocr:
        return unread(name, number, "failed", note)
    reading = by_ocr(image, reader)
    lines = arranged(reading.pieces, number, reading.width, reading.height)
    return made(name, number, "ocr", lines, reading.confidence, note)


def made(
    name: str,
    number: int,
    method: Method,
    lines: list[Line],
    confidence: float = 1.0,
    note: str = "",
) -> Page:
    """A page that was read."""
    text = text_of(lines)
    confidence = round(confidence if lines else 0.0, 4)
    return Page(name, number, method, len(text), confidence, text, note, tuple(lines))


def unread(name: str, number: int, method: Method, note: str) -> Page:
    """A page that was not read: what goes on over it is lost."""
    hole = Line("", number, lost=f"page {number} was not read")
    return Page(name, number, method, 0, 0.0, "", note, (hole,))


def is_sound(text: str) -> bool:
    """Whether a text layer can be trusted; the rules are in the module's docstring."""
    shown = [ord(char) for char in text if not char.isspace()]
    if len(shown) < LEAST_CHARACTERS:
        return False
    kinds = [unicodedata.category(chr(code)) for code in shown]
    broken = sum(kind in ("Cc", "Co", "Cn", "Cs") for kind in kinds) + shown.count(0xFFFD)
    letters = [code for code, kind in zip(shown, kinds, strict=True) if kind[0] == "L"]
    usual = sum(any(code in block for block in USUAL_LETTERS) for code in letters)
    return broken <= MOST_BROKEN * len(shown) and usual >= LEAST_USUAL * len(letters)


def is_scan(page: Any) -> bool:
    """Whether a picture covers the page."""
    import pypdfium2
    import pypdfium2.raw as pdf

    left, bottom, right, top = page.get_bbox()
    for image in page.get_objects(filter=[pdf.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        try:
            x0, y0, x1, y1 = image.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        wide, high = min(x1, right) - max(x0, left), min(y1, top) - max(y0, bottom)
        if min(wide, high) > 0 and wide * high > SCAN * (right - left) * (top - bottom):
            return True
    return False


def rendered(page: Any, params: Digitize) -> Any:
    """A page as an image (height, width, BGR) of at most `max_pixels` pixels."""
    width, height = page.get_size()
    scale = min(params.scale, math.sqrt(params.max_pixels / max(1.0, width * height)))
    return page.render(scale=scale, rev_byteorder=False, prefer_bgrx=False).to_numpy()[..., :3]


def by_vision(image: Any, reader: Reader) -> str:
    """What the vision model reads, or read before."""
    model = reader.params.vision
    key = reader.kept.key(image, f"vision {model} {vision.PROMPT}")
    found = reader.kept.get(key)
    if found is None:
        found = {"text": vision.read_page(image, model, reader.hardware)}
        reader.kept.put(key, found)
    return found["text"]


def by_ocr(image: Any, reader: Reader) -> ocr.Reading:
    """What OCR reads, or read before."""
    least = reader.params.min_confidence
    key = reader.kept.key(image, f"{ocr.NAME} {least}")
    found = reader.kept.get(key)
    if found is None:
        reading = ocr.read_image(image, least)
        reader.kept.put(key, dataclasses.asdict(reading))
        return reading
    pieces = [Piece(**piece) for piece in found["pieces"]]
    return ocr.Reading(pieces, found["confidence"], found["width"], found["height"])
