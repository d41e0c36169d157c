"""Select the attempts that are trained on.

python -m stages.tir_select --attempts data/attempts --out data/tir
"""

from numina import entry, settings
from numina.corpus.selection import select
from numina.corpus.sifted import sifted_rows
from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.resume import stage_folder
from numina.rows import StoredProblems, read_shards


def main() -> str:
    args = entry.paths(__doc__, "attempts", "out")
    params = settings.load("tir_select", "hardware")
    inputs = args.attempts / "problems", args.attempts / "attempts"
    given, cache = params.tir_select.model_dump(), params.hardware.cache
    work = stage_folder("tir_select", given, inputs, cache)
    problems, attempts = StoredProblems(inputs[0]), read_shards(inputs[1], Attempt)
    with sifted_rows(args.out, "train", work) as rows:
        select(problems, attempts, params.tir_select, rows)
        if not rows.kept:
            raise UserError(
                f"{args.attempts}: no attempt can be trained on; left out: {rows.left_out}"
            )
    return f"{rows.kept} tool-integrated samples; left out: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
