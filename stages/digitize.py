"""Read exam PDFs and cut them into problem-solution pairs.

python -m stages.digitize --exams data/exams --out data/digitized
"""

import dataclasses

from numina import entry, settings
from numina.records.dropped import by_rule
from numina.rows import write_json, write_rows
from numina.sources.cutting import cut_pairs
from numina.sources.exams import read_pages


def main() -> str:
    args = entry.paths(__doc__, "exams", "out")
    params = settings.load("digitize").digitize
    pairs, pages, dropped = [], [], []
    for file in sorted(args.exams.glob("*.pdf")):
        read = read_pages(file, params)
        pages += read
        cut, without = cut_pairs("\n".join(page.text for page in read), file.name)
        pairs += cut
        dropped += without
    write_rows(args.out / "pairs.jsonl", pairs)
    write_rows(args.out / "dropped.jsonl", dropped)
    summary = [dataclasses.asdict(page) for page in pages]
    write_json(args.out / "pages.json", [{**row, "text": row["text"][:80]} for row in summary])
    methods = [page.method for page in pages]
    counts = ", ".join(f"{methods.count(method)} by {method}" for method in sorted(set(methods)))
    found = f"{len(pairs)} problem-solution pairs from {len(pages)} pages ({counts or 'none'})"
    return f"{found}; left out: {by_rule(dropped)}"


if __name__ == "__main__":
    entry.run(main)
