"""Build the chain-of-thought samples, and record what was left out and why.

python -m stages.cot_data --clean data/clean --out data/cot
"""

from numina import entry, settings
from numina.corpus.cot import cot_samples
from numina.corpus.sifted import sifted_rows
from numina.errors import UserError
from numina.resume import stage_folder
from numina.rows import StoredProblems
from numina.teacher.engine import TeacherEngine


def main() -> str:
    args = entry.paths(__doc__, "clean", "out")
    params = settings.load("cot_data", "teacher", "hardware")
    knobs, inputs = params.cot_data, args.clean / "problems"
    teacher = TeacherEngine(params.teacher, params.hardware) if knobs.teacher == "server" else None
    problems = StoredProblems(inputs)
    given = [knobs.model_dump(), params.teacher.model_dump()]
    work = stage_folder("cot_data", given, [inputs], params.hardware.cache)
    with sifted_rows(args.out, "train", work) as rows:
        cot_samples(problems, knobs.max_rows, knobs.seed, rows, teacher)
        if not rows.kept:
            raise UserError(
                f"{problems.path}: no row can be trained on; left out: {rows.left_out}; the first: "
                f"row {rows.first_left_out}"
            )
    return f"{rows.kept} chain-of-thought samples; left out: {rows.left_out}"


if __name__ == "__main__":
    entry.run(main)
