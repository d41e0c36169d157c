"""Draw an exam as a PDF, with or without a text layer."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numina.bench.exam_labels import Labelled
from numina.errors import UserError

WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 72.0  # A4, in points
SIZE, LEADING = 11.0, 15.0
CHINESE = re.compile(r"[\u2e80-\uffef]")
SIGN = re.compile(
    r"\^\{(?P<up>[^}]*)\}|_\{(?P<down>[^}]*)\}|\\frac\{(?P<over>[^}]*)\}\{(?P<under>[^}]*)\}"
)


@dataclass(frozen=True, slots=True)
class DrawnExam:
    """An exam and how it is drawn.

    Attributes:
        text: its lines. ``*`` before one makes its first words bold, up to the next ``*``; two
            spaces are an indent; a blank line is a gap; ``---`` ends a page, ``|||`` a column.
        labels: what each problem should read.
        header: over each page, with ``{page}`` for its number.
        footer: under each page.
        turned: the page is drawn on its side, by so many degrees.
        scan: the page is a picture, without a text layer.
    """

    text: str
    labels: Sequence[Labelled]
    header: str = ""
    footer: str = ""
    turned: Literal[0, 90, 180, 270] = 0
    scan: bool = False


def draw(exam: DrawnExam, file: Path) -> None:
    """Draw an exam as a PDF.

    Raises:
        UserError: reportlab is not installed.
    """
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError:
        raise UserError("drawing exams needs reportlab: pip install -e '.[dev]'") from None
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    sideways = exam.turned in (90, 270) and not exam.scan
    size = (HEIGHT, WIDTH) if sideways else (WIDTH, HEIGHT)
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=size, invariant=True)
    for number, page in enumerate(exam.text.strip("\n").split("\n---\n"), 1):
        if exam.turned and not exam.scan:
            canvas.translate(*{90: (HEIGHT, 0), 180: (WIDTH, HEIGHT), 270: (0, WIDTH)}[exam.turned])
            canvas.rotate(exam.turned)
        draw_page(canvas, page.split("\n|||\n"))
        draw_line(canvas, exam.header.format(page=number), MARGIN, HEIGHT - 40, SIZE)
        draw_line(canvas, exam.footer.format(page=number), WIDTH / 2, 36, SIZE)
        canvas.showPage()
    canvas.save()
    if exam.scan:
        scan(content.getvalue(), exam.turned, file)
    else:
        file.write_bytes(content.getvalue())


def draw_page(canvas: Any, columns: Sequence[str]) -> None:
    """Draw the columns of a page."""
    step = (WIDTH - 2 * MARGIN + 24) / len(columns)
    size = SIZE if len(columns) == 1 else 9.0
    for place, column in enumerate(columns):
        y = HEIGHT - MARGIN
        for line in column.split("\n"):
            if line.strip():
                indent = len(line) - len(line.lstrip(" "))
                draw_line(canvas, line.strip(), MARGIN + place * step + 6 * indent, y, size)
                y -= LEADING * (2 if "\\frac" in line else 1)
            else:
                y -= LEADING / 2


def draw_line(canvas: Any, line: str, x: float, y: float, size: float) -> None:
    """Draw one line, with its bold words, scripts and fractions."""
    bold, rest = "", line
    if line.startswith("*"):
        bold, _, rest = line[1:].partition("*")
    x = draw_words(canvas, bold, x, y, size, bold=True)
    before = 0
    for sign in SIGN.finditer(rest):
        x = draw_words(canvas, rest[before : sign.start()], x, y, size)
        before = sign.end()
        if sign["up"] or sign["down"]:
            shift = 0.36 if sign["up"] else -0.2
            x = draw_words(canvas, sign["up"] or sign["down"], x, y + shift * size, 0.7 * size)
        else:
            end = draw_words(canvas, sign["over"], x + 2, y + 0.7 * size, size)
            end = max(end, draw_words(canvas, sign["under"], x + 2, y - 0.7 * size, size))
            canvas.line(x, y + 0.25 * size, end + 2, y + 0.25 * size)
            x = end + 3
    draw_words(canvas, rest[before:], x, y, size)


def draw_words(
    canvas: Any, text: str, x: float, y: float, size: float, *, bold: bool = False
) -> float:
    """Draw a text and return where it ends."""
    chinese = CHINESE.search(text) is not None
    font = "STSong-Light" if chinese else "Times-Bold" if bold else "Times-Roman"
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)
    return x + canvas.stringWidth(text, font, size)


def scan(content: bytes, turned: int, file: Path) -> None:
    """Write the pages of a PDF as pictures."""
    import pypdfium2
    from PIL import Image

    document = pypdfium2.PdfDocument(content)
    pictures = []
    for page in document:
        scale: Any = 150 / 72
        image: Image.Image = page.render(scale=scale).to_pil().convert("L")
        pictures.append(image.rotate(turned, expand=True))
    pictures[0].save(file, format="PDF", resolution=150, save_all=True, append_images=pictures[1:])
