"""What a PDF page holds, as pdfium gives it: glyphs, thin strokes, pictures."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from typing import Any

BACKGROUND = 0.5  # of the page: a larger picture is not among the text
BOLD = 500  # font weight
# Signs of TeX's fonts that have no map to letters.
SYMBOLS = {
    "cmsy": {"0": "′", "6": "\u0338", "7": "↦"},
    "msam": {"\x03": "□", "\x04": "■"},
}
FORMULA_FONTS = ("cmmi", "cmsy", "msbm", "lmmath")  # of TeX; they hold no words


def turner(page: Any, angle: int) -> Any:
    """A function from a point of the page to one from the top left, with text of an angle upright.

    Args:
        page: of pypdfium2.
        angle: of the text, in degrees, a multiple of 90.
    """
    left, bottom, right, top = page.get_bbox()
    ways = {
        0: lambda x, y: (x - left, top - y),
        90: lambda x, y: (y - bottom, x - left),
        180: lambda x, y: (right - x, y - bottom),
        270: lambda x, y: (top - y, right - x),
    }
    return ways[angle]


def extent(page: Any) -> tuple[float, float]:
    """Width and height of a page before it is turned."""
    left, bottom, right, top = page.get_bbox()
    return right - left, top - bottom


def raw_glyphs(textpage: Any) -> Iterator[tuple[Any, ...]]:
    """Every glyph: its character, box, origin, size, weight, whether spaced, doubted, broken; its
    angle."""
    import pypdfium2.raw as pdf

    matrix, box = pdf.FS_MATRIX(), pdf.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    name, flags = ctypes.create_string_buffer(64), ctypes.c_int()
    spaced = guessed = in_formula = False
    for place in range(textpage.count_chars()):
        code = pdf.FPDFText_GetUnicode(textpage, place)
        char = chr(code) if code < 0x110000 else "\ufffd"
        if pdf.FPDFText_IsHyphen(textpage, place) == 1:
            char = "\u00ad"
        elif pdf.FPDFText_IsGenerated(textpage, place) == 1:
            guessed = True
            continue
        elif char.isspace():
            spaced = True
            continue
        pdf.FPDFText_GetMatrix(textpage, place, matrix)
        pdf.FPDFText_GetLooseCharBox(textpage, place, box)
        pdf.FPDFText_GetCharOrigin(textpage, place, x, y)
        pdf.FPDFText_GetFontInfo(textpage, place, name, 64, flags)
        font = name.value.decode(errors="replace").rsplit("+", 1)[-1].lower()
        size = pdf.FPDFText_GetFontSize(textpage, place) * math.hypot(matrix.c, matrix.d)
        bold = pdf.FPDFText_GetFontWeight(textpage, place) >= BOLD or "bold" in font
        angle = round(math.degrees(math.atan2(matrix.b, matrix.a)) / 90) * 90 % 360
        char = SYMBOLS.get(font[:4], {}).get(char, char)
        broken = char != "\u00ad" and unicodedata.category(char) in ("Cc", "Co", "Cn", "Cs")
        edges, origin = (box.left, box.right, box.bottom, box.top), (x.value, y.value)
        doubted = guessed and not spaced and in_formula
        broken = broken or code == 0xFFFD
        yield char, edges, origin, size, bold, spaced or guessed, doubted, broken, angle
        spaced = guessed = False
        in_formula = font.startswith(FORMULA_FONTS)


def strokes(page: Any) -> Iterator[tuple[float, float, float, float]]:
    """Thin strokes of a page: left, bottom, right, top."""
    import pypdfium2
    import pypdfium2.raw as pdf

    for shape in page.get_objects(filter=[pdf.FPDF_PAGEOBJ_PATH], max_depth=3):
        try:
            left, bottom, right, top = shape.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        if min(right - left, top - bottom) < 1.6 < max(right - left, top - bottom):
            yield left, bottom, right, top


def pictures(page: Any) -> Iterator[tuple[float, float, float, float]]:
    """Pictures among the text, such as formulas and figures: left, bottom, right, top."""
    import pypdfium2
    import pypdfium2.raw as pdf

    left, bottom, right, top = page.get_bbox()
    for image in page.get_objects(filter=[pdf.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        try:
            x0, y0, x1, y1 = image.get_bounds()
        except pypdfium2.PdfiumError:
            continue
        wide, high = min(x1, right) - max(x0, left), min(y1, top) - max(y0, bottom)
        if min(wide, high) > 3 and wide * high < BACKGROUND * (right - left) * (top - bottom):
            yield x0, y0, x1, y1
