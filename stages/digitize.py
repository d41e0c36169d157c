"""Read exam PDFs and cut them into problems with their solutions.

python -m stages.digitize --exams data/exams --out data/digitized
"""

from collections import Counter

from numina import entry, settings
from numina.corpus.sifted import sifted_rows
from numina.exams.exam import exam_files, read_all, shown
from numina.exams.kept import KeptPages
from numina.exams.pages import Page, Reader
from numina.rows import write_json


def main() -> str:
    args = entry.paths(__doc__, "exams", "out")
    params = settings.load("digitize", "hardware")
    hardware = params.hardware
    reader = Reader(params.digitize, hardware.vision, KeptPages(hardware.cache))
    pages: list[Page] = []
    with sifted_rows(args.out, "pairs") as rows:
        for row in read_all(exam_files(args.exams), reader, pages.append):
            rows.take(row)
    write_json(args.out / "pages.json", [shown(page) for page in pages])
    methods = Counter(page.method for page in pages)
    counts = ", ".join(f"{count} by {method}" for method, count in sorted(methods.items()))
    found = f"{rows.kept} problems from {len(pages)} pages ({counts or 'none'})"
    return f"{found}; left out: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
