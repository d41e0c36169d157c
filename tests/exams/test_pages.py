"""Pages of PDFs: text layers and scans, turned, huge, broken; and what is kept of them."""

import importlib
import sys
from pathlib import Path

import pytest
import yaml
from matplotlib import get_data_path
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from numina.bench.draw_exam import DrawnExam, draw
from numina.bench.drawn_exams import EXAMS, PAIRS, interleaved
from numina.errors import UserError
from numina.exams import ocr
from numina.exams.exam import exam_files, problems_of, read_all
from numina.exams.layout import arranged
from numina.exams.line import Piece
from numina.exams.pages import is_sound, read_exam, rendered
from numina.profile import merged
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import read_object, read_problems
from numina.rows.rejected import each_removal
from numina.settings.params import document
from tests.conftest import ROOT, SHARED
from tests.exams.reading import reader_of

CLUB = ROOT / "data/exams/club_exam.pdf"
TEXT = "Find the sum of all positive integers below fifty that are odd."


def drawn(folder: Path, exam: DrawnExam) -> Path:
    file = folder / "exam.pdf"
    draw(exam, file)
    return file


def read(file: Path, **knobs) -> tuple[list[Problem | Removal], list[str]]:
    """The problems of an exam, and how its pages were read."""
    pages = list(read_exam(file, reader_of(**knobs)))
    rows = list(problems_of([page.lines for page in pages], file.name))
    return rows, [page.method for page in pages]


def texts(rows) -> list[tuple[str, str]]:
    return [(row.problem, row.solution) for row in rows if isinstance(row, Problem)]


def test_our_exam_is_read_by_text_layer_and_by_ocr():
    rows, methods = read(CLUB)
    assert methods == ["text_layer", "ocr"]
    assert [(row.id, row.answer) for row in rows if isinstance(row, Problem)] == [
        ("club_exam/1", "105"),
        ("club_exam/2", "216"),
        ("club_exam/3", "91"),
        ("club_exam/4", "44"),
        ("club_exam/5", "94"),
    ]
    assert texts(rows)[2] == (
        "The numbers x and y satisfy x + y = 20 and x - y = 6. What is xy?",
        "Adding gives 2x = 26, so x = 13 and y = 7. The product is 91.",
    )
    assert texts(rows)[4][0] == "A box has edges of length 3, 4 and 5. What is its surface area?"


def test_a_real_chinese_exam_with_a_broken_font_map_is_read_by_ocr():
    if not SHARED.exists():
        pytest.skip("the shared exams are not on this machine")
    rows, methods = read(SHARED / "exams/zh_nankai_analysis31_midterm_2019_with_solutions.pdf")
    assert methods == ["ocr"] * 6
    found = [row.row for row in rows if isinstance(row, Removal) and row.rule == "formulas_lost"]
    problems = [row for row in found if isinstance(row, Problem)]
    assert [row.id.partition("/")[2] for row in problems] == list("1234567")
    assert all(row.problem and row.solution for row in problems)
    assert problems[2].solution.startswith("(1) ") and "(2) " in problems[2].solution


LAYERS = [name for name, exam in EXAMS.items() if not exam.scan]


@pytest.mark.parametrize("name", LAYERS)
def test_layouts_of_text_layers_are_read(name, tmp_path):
    exam = EXAMS[name]
    rows, methods = read(drawn(tmp_path, exam))
    assert set(methods) == {"text_layer"}
    assert texts(rows) == [(label.problem, label.solution) for label in exam.labels]
    names = [row.id.removeprefix("exam/") for row in rows if isinstance(row, Problem)]
    assert names == [label.label for label in exam.labels]


@pytest.mark.parametrize("turned", [90, 180])
def test_a_scan_that_is_turned_is_read_upright(turned, tmp_path):
    exam = DrawnExam(
        interleaved("Problem {label}. ", "Solution. "), PAIRS, turned=turned, scan=True
    )
    rows, methods = read(drawn(tmp_path, exam))
    assert methods == ["ocr"]
    found = [row.row if isinstance(row, Removal) else row for row in rows]
    assert [row.problem for row in found if isinstance(row, Problem)] == [
        pair.problem for pair in PAIRS
    ]


def test_without_ocr_a_scan_is_skipped_and_a_problem_that_goes_on_there_is_left_out(tmp_path):
    rows, methods = read(CLUB, ocr=False)
    assert methods == ["text_layer", "skipped"]
    kept = [row.id for row in rows if isinstance(row, Problem)]
    left_out = [row for row in rows if isinstance(row, Removal)]
    assert kept == ["club_exam/1", "club_exam/2"]
    assert [row.reason for row in left_out] == ["page 2 was not read"]


FORMULAS = {
    "a power": ("Find x^{2} + y_{1} for x = 3.", ""),
    "a fraction": (r"Find \frac{x + 1}{y - 1} for x = 3.", "rule"),
    "a root": ("Find √2 to ten digits, and then some.", "root"),
    "private signs": ("Find \ue001\ue002 where it is not zero.", "unmapped"),
}


@pytest.mark.parametrize("name", [name for name in FORMULAS if name in ("a power", "a fraction")])
def test_formulas_are_read_or_the_problem_is_left_out(name, tmp_path):
    text, lost = FORMULAS[name]
    exam = f"Problem 1. {text}\n\nSolution. It follows from the definition of the expression.\n\n"
    rows, _ = read(drawn(tmp_path, DrawnExam(exam + "Problem 2. What is the largest digit?", ())))
    first, second = rows
    assert isinstance(second, Problem)
    if not lost:
        assert isinstance(first, Problem)
        assert first.problem == "Find x^2 + y_1 for x = 3."
    else:
        assert isinstance(first, Removal)
        assert first.rule == "formulas_lost"


ROMAN, ITALIC, FORMULA = "Times-Roman", "Times-Italic", "cmmi10"
# Texts without spaces between them, each with its font and the gap behind it, in letter sizes.
SPACES = {
    "a formula's letter leans to a mark": (
        [
            ("Problem 1. What is the size of", ROMAN, 0.3),
            ("V", FORMULA, 0.22),
            ("?", ROMAN, 0),
        ],
        "What is the size of V?",
    ),
    "a formula's letter leans to another": (
        [("Problem 1. Find the value of", ROMAN, 0.3), ("f", FORMULA, 0.14), ("j", FORMULA, 0)],
        "Find the value of fj",
    ),
    "a word behind a formula's letter": (
        [
            ("Problem 1. Show that space", ROMAN, 0.3),
            ("V", FORMULA, 0.44),
            ("is it.", ROMAN, 0),
        ],
        "Show that space V is it.",
    ),
    "italic words that lean to each other": (
        [("Problem 1. Find the number", ITALIC, 0.25), ("of", ITALIC, 0.25), ("jars.", ITALIC, 0)],
        "Find the number of jars.",
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_gaps_are_spaces_or_the_lean_of_a_formulas_letter(name, tmp_path):
    words, expected = SPACES[name]
    pdfmetrics.registerFont(TTFont(FORMULA, f"{get_data_path()}/fonts/ttf/cmmi10.ttf"))
    canvas = Canvas(str(tmp_path / "x.pdf"))
    x = 72.0
    for text, font, gap in words:
        canvas.setFont(font, 11)
        canvas.drawString(x, 720, text)
        x += canvas.stringWidth(text, font, 11) + 11 * gap
    canvas.setFont(ROMAN, 11)
    canvas.drawString(72, 680, "Problem 2. What is the largest digit of all?")
    canvas.save()
    rows, methods = read(tmp_path / "x.pdf")
    assert methods == ["text_layer"]
    assert texts(rows)[0][0] == expected


# A row above a line with a formula: its text, its distance in letter sizes, why it is lost, and
# whether it is the upper part of that formula.
UPPER = {
    "a line with one word": ("(1 + 2)(1 - 2) = -1 and 2 = 2.", 1.4, "rule", False),
    "a line without a word": ("(1 + 2)(1 - 2) = -1", 1.4, "rule", True),
    "a numerator with one word": ("sin x", 0.7, "rule", True),
    "letters that OCR reads as a word": ("Xnk", 1.05, "stacked", True),
    "a row of a matrix with one word": ("sin x", 1.2, "tall bracket", True),
}


@pytest.mark.parametrize("name", UPPER)
def test_the_upper_part_of_a_formula_is_read_behind_its_line(name):
    text, above, lost, behind = UPPER[name]
    rows = [
        ("We know them, and it is of use", 88, ""),
        ("to say why. Now notice that", 100, ""),
        (text, 112, lost),
        ("To find it, we put A =", 112 + 10 * above, "tall bracket"),
    ]
    pieces = [
        Piece(row, 72, 72 + 5 * len(row), base, base - 8, base + 2, 10, lost=why)
        for row, base, why in rows
    ]
    order = [0, 1, 3, 2] if behind else [0, 1, 2, 3]
    found = [line.text for line in arranged(pieces, 1, 595, 842)]
    assert found == [rows[place][0] for place in order]


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        (TEXT, True),
        ("求出所有小于五十的正奇数之和，并证明你的结论。" * 2, True),
        ("", False),
        ("too short", False),
        ("\ufffd\ue001\ue002" * 40, False),
        ("\x01\x02abc" * 40, False),
        ("ÍÆâÆÆÀÅòÆÍÆ©¤œ•££ÚAÚ" * 4, False),
    ],
)
def test_a_text_layer_is_sound_or_not(text, sound):
    assert is_sound(text) is sound


def bad_file(kind: str, file: Path) -> None:
    """Write a file that cannot be read."""
    if kind == "empty":
        file.write_bytes(b"")
    elif kind == "not a PDF":
        file.write_bytes(b"not a PDF")
    elif kind == "cut short":
        file.write_bytes(CLUB.read_bytes()[:300])
    elif kind == "a folder":
        file.mkdir()
    else:
        lock = StandardEncryption("secret", canPrint=0) if kind == "locked" else None
        canvas = Canvas(str(file), encrypt=lock)
        canvas.drawString(72, 720, TEXT)
        canvas.save()


BAD = {
    "empty": "the file is empty",
    "not a PDF": "cannot be read as a PDF",
    "cut short": "cannot be read as a PDF",
    "a folder": "cannot be read as a PDF",
    "locked": "it needs a password",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_ends_the_run_or_is_left_out_by_the_parameter(kind, tmp_path):
    bad_file(kind, tmp_path / "bad.pdf")
    draw(EXAMS["bold words"], tmp_path / "good.PDF")
    files = exam_files(tmp_path)
    assert [file.name for file in files] == ["bad.pdf", "good.PDF"]
    with pytest.raises(UserError, match=rf"bad\.pdf: .*{BAD[kind]}"):
        list(read_all(files, reader_of(), print))
    rows = list(read_all(files, reader_of(on_bad_file="skip"), print))
    bad = rows[0]
    assert isinstance(bad, Removal)
    assert (bad.rule, bad.row) == ("unreadable", {"file": "bad.pdf"})
    assert BAD[kind] in bad.reason
    assert len(texts(rows)) == 3


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere: not found"):
        exam_files(tmp_path / "nowhere")


def test_a_huge_page_is_rendered_in_the_pixels_that_the_parameter_allows(tmp_path):
    import pypdfium2

    canvas = Canvas(str(tmp_path / "huge.pdf"), pagesize=(14_400, 14_400))
    canvas.rect(0, 0, 14_400, 14_400)
    canvas.save()
    page = pypdfium2.PdfDocument(tmp_path / "huge.pdf")[0]
    params = reader_of(max_pixels=400_000).params
    height, width, _ = rendered(page, params).shape
    assert 390_000 < height * width <= 402_000


def test_what_was_read_by_ocr_is_kept_by_the_picture_of_the_page(tmp_path, monkeypatch):
    calls = []
    read_image = ocr.read_image

    def counted(*arguments):
        calls.append(1)
        return read_image(*arguments)

    monkeypatch.setattr(ocr, "read_image", counted)
    cache = str(tmp_path / "cache")
    first = list(read_exam(CLUB, reader_of(cache)))
    assert len(calls) == 1
    copy = tmp_path / "other_name.pdf"
    copy.write_bytes(CLUB.read_bytes())
    again = list(read_exam(copy, reader_of(cache)))
    assert [page.lines for page in again] == [page.lines for page in first]
    assert len(calls) == 1
    for kept in Path(cache).rglob("*.json"):
        kept.write_text("{damaged")
    list(read_exam(CLUB, reader_of(cache)))
    assert len(calls) == 2


def test_every_problem_of_an_exam_is_kept_or_left_out_with_its_reason(tmp_path, monkeypatch):
    knobs = {
        "digitize.on_bad_file": "skip",
        "digitize.ocr": False,
        "hardware.cache": str(tmp_path / "cache"),
    }
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump(merged(knobs, document(ROOT / "params.yaml")))
    )
    exams = tmp_path / "exams"
    exams.mkdir()
    bad_file("cut short", exams / "a.pdf")
    (exams / "b.pdf").write_bytes(CLUB.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["digitize", "--exams", "exams", "--out", "out"])
    said = importlib.import_module("stages.digitize").main()
    assert said.startswith("2 problems from 2 pages (1 by skipped, 1 by text_layer)")
    counts = read_object(tmp_path / "out/counts.json")
    assert counts == {"in": 4, "kept": 2, "rejected": {"formulas_lost": 1, "unreadable": 1}}
    unreadable, lost = (removal.row for removal in each_removal(tmp_path / "out/rejected"))
    assert isinstance(unreadable, dict) and unreadable["file"] == "a.pdf"
    assert isinstance(lost, Problem) and lost.id == "b/3"
    assert len(read_problems(tmp_path / "out/pairs")) == 2


def test_a_page_that_is_shown_on_its_side_is_read(tmp_path):
    import pypdfium2

    draw(EXAMS["bold words"], tmp_path / "x.pdf")
    document = pypdfium2.PdfDocument(tmp_path / "x.pdf")
    document[0].set_rotation(90)
    document.save(tmp_path / "turned.pdf")
    rows, methods = read(tmp_path / "turned.pdf")
    assert methods == ["text_layer"]
    assert texts(rows) == [(pair.problem, pair.solution) for pair in PAIRS]


def test_a_picture_among_the_lines_is_lost_text(tmp_path):
    canvas = Canvas(str(tmp_path / "x.pdf"))
    canvas.drawString(72, 720, "Problem 1. Find the value of the expression")
    canvas.drawImage(ImageReader(Image.new("RGB", (60, 12))), 300, 718, 60, 12)
    canvas.drawString(72, 680, "Problem 2. What is the largest digit of all?")
    canvas.save()
    rows, _ = read(tmp_path / "x.pdf")
    assert [row.reason for row in rows if isinstance(row, Removal)] == ["picture"]
    assert texts(rows) == [("What is the largest digit of all?", "")]
