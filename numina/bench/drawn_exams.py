"""Exams of our own, drawn as PDFs of many layouts, with what each problem should read."""

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


PAIRS = (
    Labelled(
        "1",
        "A shop sells 7 kinds of tea. In how many ways can two be chosen?",
        "There are 21 ways, as each pair is counted twice in 42.",
    ),
    Labelled(
        "2",
        "Find the remainder of 100 on division by seven.",
        "Since 98 is a multiple of seven, the remainder is 2.",
    ),
    Labelled(
        "3",
        "How many diagonals does a convex polygon with nine sides have?",
        "From each corner six are drawn, so there are 54 halves, which makes 27.",
    ),
)


def interleaved(problem: str, solution: str, pairs: Sequence[Labelled] = PAIRS) -> str:
    """The text of an exam in which each problem is followed by its solution."""
    return "\n\n".join(
        f"{problem.format(label=pair.label)}{pair.problem}\n\n{solution}{pair.solution}"
        for pair in pairs
    )


LIST_SOLUTION = "We argue in steps. 1. Count the corners. 2. Divide by two. 3. Add the rest."
LISTED = (
    Labelled("1", PAIRS[0].problem, LIST_SOLUTION),
    Labelled("2", "Which of these hold? 1. It is even. 2. It is prime.", PAIRS[1].solution),
    Labelled("3", PAIRS[2].problem, "First case. 1. Draw it. 2. Measure it. 3. Stop."),
    Labelled("4", "What is the largest digit?", "It is nine, which is clear."),
)
CHINESE_PAIRS = (
    Labelled("1", "设甲乙两人同时出发，求相遇的时间.", "设时间为未知数，列出方程，求得三小时."),
    Labelled("2", "证明任意三个连续整数之积是六的倍数.", "其中必有偶数，也必有三的倍数，结论成立."),
    Labelled(
        "3",
        "求所有满足条件的正整数. (1) 小于十的; (2) 大于九十的.",
        "(1) 逐个检验可得五个. (2) 同理可得两个.",
    ),
)
LONG = (
    Labelled(
        "1",
        PAIRS[0].problem,
        "The first part of the argument is on this page. "
        "The second part of the argument is on the next page.",
    ),
    Labelled("2", PAIRS[1].problem, PAIRS[1].solution),
    Labelled("3", PAIRS[2].problem, PAIRS[2].solution),
)


IN_COLUMNS = """*{0}.* Say how many of the first {0}0
numbers are multiples of both two
and three, and why it is so.
Solution. They are the multiples of six
up to {0}0, which are found by
counting in steps of six."""

EXAMS: dict[str, DrawnExam] = {
    "bold words": DrawnExam(interleaved("*Problem {label}.* ", "*Solution.* "), PAIRS),
    "Q and answers": DrawnExam(interleaved("*Q{label}.* ", "  Solution: "), PAIRS),
    "numbers alone": DrawnExam(interleaved("{label}. ", "Solution. "), PAIRS),
    "dated": DrawnExam(
        interleaved("(1.{label}; 2013-14) ", "Solution. "),
        [pair._replace(label=f"1.{pair.label}_2013-14") for pair in PAIRS],
    ),
    "lists in solutions": DrawnExam(
        """
*1.* A shop sells 7 kinds of tea. In how many ways can two be chosen?

Solution. We argue in steps.
1. Count the corners.
2. Divide by two.
3. Add the rest.

*2.* Which of these hold?
1. It is even.
2. It is prime.

Solution. Since 98 is a multiple of seven, the remainder is 2.

*3.* How many diagonals does a convex polygon with nine sides have?

Solution. First case.
1. Draw it.
2. Measure it.
3. Stop.

*4.* What is the largest digit?

Solution. It is nine, which is clear.
""",
        LISTED,
    ),
    "over two pages": DrawnExam(
        f"""
*Exercise 1.* {PAIRS[0].problem}

*Solution:* The first part of the argument is on this page.
---
The second part of the argument is on the next page.

*Exercise 2.* {PAIRS[1].problem}

*Solution:* {PAIRS[1].solution}
---
*Exercise 3.* {PAIRS[2].problem}

*Solution:* {PAIRS[2].solution}
""",
        LONG,
        header="Autumn Contest, Solutions",
        footer="{page}",
    ),
    "two parts and a key": DrawnExam(
        """
*Part A*

1. What is the sum of one and two?
2. What is the product of three and four?

*Part B*

3. What is the square of five?
4. What is half of six?

*Answer Key*

1. 3    2. 12
3. 25    4. 3
""",
        [
            Labelled("1", "What is the sum of one and two?", ""),
            Labelled("2", "What is the product of three and four?", ""),
            Labelled("3", "What is the square of five?", ""),
            Labelled("4", "What is half of six?", ""),
        ],
    ),
    "solutions behind": DrawnExam(
        "\n".join(f"{pair.label}) {pair.problem}" for pair in PAIRS)
        + "\n---\n*Solutions*\n\n"
        + "\n\n".join(f"{pair.label}) {pair.solution}" for pair in PAIRS),
        PAIRS,
    ),
    "two columns": DrawnExam(
        "\n\n".join(map(IN_COLUMNS.format, (1, 2, 3)))
        + "\n|||\n"
        + "\n\n".join(map(IN_COLUMNS.format, (4, 5, 6))),
        [
            Labelled(
                str(n),
                f"Say how many of the first {n}0 numbers are multiples of both two and three, and"
                " why it is so.",
                f"They are the multiples of six up to {n}0, which are found by counting in steps of"
                " six.",
            )
            for n in range(1, 7)
        ],
    ),
    "a second round": DrawnExam(
        f"""
*First Round*

*Problem 1.* {PAIRS[0].problem}
*Solution.* {PAIRS[0].solution}

*Problem 2.* {PAIRS[1].problem}
*Solution.* {PAIRS[1].solution}

*Second Round*

*Problem 1.* {PAIRS[2].problem}
*Solution.* {PAIRS[2].solution}

*Problem 1a.* What is the largest digit?
*Solution.* It is nine, which is clear.

*Problem 1b.* What is the smallest digit?
*Solution.* It is zero, for the same reason.
""",
        [
            PAIRS[0],
            PAIRS[1],
            PAIRS[2]._replace(label="round2/1"),
            Labelled("round2/1a", "What is the largest digit?", "It is nine, which is clear."),
            Labelled(
                "round2/1b", "What is the smallest digit?", "It is zero, for the same reason."
            ),
        ],
    ),
    "on its side": DrawnExam(interleaved("*Problem {label}.* ", "*Solution.* "), PAIRS, turned=90),
    "upside down": DrawnExam(interleaved("*Problem {label}.* ", "*Solution.* "), PAIRS, turned=180),
    "a scan": DrawnExam(interleaved("*Problem {label}.* ", "*Solution.* "), PAIRS, scan=True),
    "a scan on its side": DrawnExam(
        interleaved("*Problem {label}.* ", "*Solution.* "), PAIRS, turned=270, scan=True
    ),
    "a scan upside down": DrawnExam(
        interleaved("{label}. ", "Solution. "), PAIRS, turned=180, scan=True
    ),
    "Chinese": DrawnExam(
        """
一、(10分) 设甲乙两人同时出发，求相遇的时间.

解  设时间为未知数，列出方程，求得三小时.

二、(10分) 证明任意三个连续整数之积是六的倍数.

证  其中必有偶数，也必有三的倍数，结论成立.

三、(20分) 求所有满足条件的正整数.
(1) 小于十的;
(2) 大于九十的.

(1) 解  逐个检验可得五个.
(2) 解  同理可得两个.
""",
        CHINESE_PAIRS,
        footer="第 {page} 页 共 1 页",
    ),
    "Chinese, in brackets": DrawnExam(
        """
1．设甲乙两人同时出发，求相遇的时间.
【答案】3
【解析】设时间为未知数，列出方程，求得三小时.

2．证明任意三个连续整数之积是六的倍数.
【证明】其中必有偶数，也必有三的倍数，结论成立.
""",
        CHINESE_PAIRS[:2],
    ),
}
