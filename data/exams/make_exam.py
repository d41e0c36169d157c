"""Draw club_exam.pdf: page 1 with a text layer, page 2 as a scan without one.

python data/exams/make_exam.py
"""

import io
from pathlib import Path
from typing import Any

import matplotlib
import pypdfium2

matplotlib.use("pdf")
matplotlib.rcParams["pdf.fonttype"] = 42  # text that can be read back
PAGES = (
    """Club Exam, Part A

Problem 1. A shelf holds 7 red books and 5 green books. In how many ways
can 2 red books and 1 green book be chosen?

Solution. There are 21 ways to choose the red books and 5 ways to choose
the green one. So there are 21 * 5 = 105 choices.
Answer: 105

Problem 2. Find the sum of the positive multiples of 6 that are less than 50.

Solution. The multiples are 6, 12, ..., 48. There are 8 of them and their
mean is 27, so the sum is 8 * 27 = 216.
Answer: 216

Problem 3. The numbers x and y satisfy x + y = 20 and x - y = 6. What is xy?

Solution. Adding gives 2x = 26, so x = 13 and y = 7. The product is 91.
Answer: 91
""",
    """Club Exam, Part B

Problem 4. How many positive integers below 400 are multiples of 9?

Solution. They are 9, 18, ..., 396. There are 44 of them.
Answer: 44

Problem 5. A box has edges of length 3, 4 and 5.
What is its surface area?

Solution. The faces have areas 12, 20 and 15, each twice.
The total is 2 * 47 = 94.
Answer: 94
""",
)


def draw(text: str, **settings: Any) -> io.BytesIO:
    """One page, A5 turned."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.3, 5.8))
    figure.text(0.06, 0.95, text, va="top", fontsize=10, linespacing=1.4, family="serif")
    page = io.BytesIO()
    figure.savefig(page, metadata={"CreationDate": None}, **settings)
    page.seek(0)
    return page


def main() -> None:
    from PIL import Image

    scan = io.BytesIO()
    Image.open(draw(PAGES[1], format="png", dpi=150)).convert("L").save(
        scan, format="PDF", resolution=150
    )
    exam = pypdfium2.PdfDocument.new()
    for page in (draw(PAGES[0], format="pdf"), scan):
        exam.import_pages(pypdfium2.PdfDocument(page))
    exam.save(Path(__file__).with_name("club_exam.pdf"))


if __name__ == "__main__":
    main()
