"""From exam PDFs to problem-solution pairs."""

from pathlib import Path

import pytest

from numina.errors import UserError
from numina.sources.cutting import cut_pairs
from numina.sources.exams import is_sound, read_pages
from tests.conftest import changed_params

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data" / "exams"
PARAMS = changed_params().digitize


def test_our_exam_is_read_by_text_layer_and_by_ocr():
    pages = read_pages(ROOT / "data/exams/club_exam.pdf", PARAMS)
    assert [page.method for page in pages] == ["text_layer", "ocr"]
    pairs, dropped = cut_pairs("\n".join(page.text for page in pages), "club_exam.pdf")
    assert dropped == []
    assert [(pair.id, pair.answer) for pair in pairs] == [
        ("club_exam/1", "105"),
        ("club_exam/2", "216"),
        ("club_exam/3", "91"),
        ("club_exam/4", "44"),
        ("club_exam/5", "94"),
    ]
    assert pairs[0].problem.startswith("A shelf holds 7 red books")
    assert pairs[2].solution.endswith("The product is 91.")


def test_without_ocr_a_scan_is_skipped():
    params = PARAMS.model_copy(update={"ocr": False})
    pages = read_pages(ROOT / "data/exams/club_exam.pdf", params)
    assert [page.method for page in pages] == ["text_layer", "skipped"]


def test_a_file_that_is_no_pdf_is_named(tmp_path):
    (tmp_path / "x.pdf").write_bytes(b"not a PDF")
    with pytest.raises(UserError, match=r"x\.pdf: cannot be read as a PDF"):
        read_pages(tmp_path / "x.pdf", PARAMS)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("Find the sum of all positive integers below fifty that are odd.", True),
        ("求出所有小于五十的正奇数之和，并证明你的结论。" * 2, True),
        ("", False),
        ("too short", False),
        ("\ufffd\ue001\ue002" * 40, False),
        ("\x01\x02abc" * 40, False),
    ],
)
def test_a_text_layer_is_sound_or_not(text, sound):
    assert is_sound(text) is sound


def test_a_real_english_exam_has_a_sound_text_layer_and_a_chinese_one_does_not():
    import pypdfium2

    if not SHARED.exists():
        pytest.skip("the shared exams are not on this machine")
    sound: dict[str, list[bool]] = {}
    for file in sorted(SHARED.glob("*.pdf")):
        for page in pypdfium2.PdfDocument(file):
            text = page.get_textpage().get_text_bounded()
            sound.setdefault(file.name[:2], []).append(is_sound(text))
    assert sum(sound["en"]) >= 40, sum(sound["en"])  # of 52; in the others matrices came out broken
    assert not any(sound["zh"])
