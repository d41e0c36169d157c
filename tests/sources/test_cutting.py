"""From the text of an exam to problem-solution pairs."""

from pathlib import Path

import pytest

from numina.records.dropped import Dropped
from numina.sources.cutting import cut_pairs

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "exams"

# Texts, and the label, statement and solution of each pair.
EXAMS = {
    "worded": ("Problem 1. A?\nSolution. B.\nAnswer: 3", [("1", "A?", "B.")]),
    "over two lines": (
        "Question 2: A\nB?\nSolution 2. C, so \\boxed{4}.",
        [("2", "A B?", "C, so \\boxed{4}.")],
    ),
    "solutions behind all problems": (
        "1. A?\n2) B?\nSolution 1. C. Answer is 5.\nSolution 2. D.\nAnswer: 6.",
        [("1", "A?", "C. Answer is 5."), ("2", "B?", "D.")],
    ),
    "a section of solutions": (
        "Problem 1. A?\nProblem 2. B?\nSolutions\nProblem 1. C\nProblem 2. D",
        [("1", "A?", "C"), ("2", "B?", "D")],
    ),
    "a section of solutions, bare, with a list in one": (
        "1. A?\n2. B?\nSolutions\n1. C\n1. u\n2. v\n2. D",
        [("1", "A?", "C 1. u 2. v"), ("2", "B?", "D")],
    ),
    "steps in a solution": (
        "Problem 1. A?\nSolution.\n1. Expand.\n2. Collect terms.\nAnswer: 5\n"
        "Problem 2. B?\nSolution. It is 5.",
        [("1", "A?", "1. Expand. 2. Collect terms."), ("2", "B?", "It is 5.")],
    ),
    "steps in a solution, bare": (
        "1. A?\nSolution.\n1. Expand.\n2. Collect.\n2. B?\nSolution. C.\n3. D?\nSolution. E",
        [("1", "A?", "1. Expand. 2. Collect."), ("2", "B?", "C."), ("3", "D?", "E")],
    ),
    "steps in the last solution, bare": (
        "1. A?\nSolution. B.\n2. C?\nSolution.\n1. Expand.\n2. Collect.\n3. Divide.",
        [("1", "A?", "B."), ("2", "C?", "1. Expand. 2. Collect. 3. Divide.")],
    ),
    "a list in a statement": (
        "Problem 1. Consider:\n1. u\n2. v\nWhich?\nSolution. B.",
        [("1", "Consider: 1. u 2. v Which?", "B.")],
    ),
    "a list in a statement, bare": (
        "1. A?\nSolution. B.\n2. Consider:\n1. u\n2. v\nSolution. C.",
        [("1", "A?", "B."), ("2", "Consider: 1. u 2. v", "C.")],
    ),
    "instructions before the first, bare": (
        "Rules\n1. No calculators\n2. No talk\n1. A?\nSolution. B.\n2. C?\nSolution. D.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "parts": (
        "Problem 1a. A?\nSolution. C.\nProblem 1b. B?\nSolution. D.",
        [("1a", "A?", "C."), ("1b", "B?", "D.")],
    ),
    "parts in brackets": (
        "Problem 1(a). A?\nProblem 1 (b). B?\nSolution 1(a). C.\nSolution 1 (b). D.",
        [("1a", "A?", "C."), ("1b", "B?", "D.")],
    ),
    "letters and points": (
        "Problem A1. A?\nSolution. C.\nProblem B1. B?\nSolution. D.\n"
        "Exercise 1.1. E?\nSolution. F.\nExercise 1.2. G?\nSolution. H.",
        [
            ("A1", "A?", "C."),
            ("B1", "B?", "D."),
            ("1.1", "E?", "F."),
            ("1.2", "G?", "H."),
        ],
    ),
    "rounds": (
        "Round 1\nProblem 1. A?\nSolution. B.\nProblem 2. C?\nSolution. D.\n"
        "Round 2\nProblem 1. E?\nSolution. F.\nProblem 2. G?\nSolution. H.",
        [
            ("1", "A?", "B."),
            ("2", "C?", "D."),
            ("round2/1", "E?", "F."),
            ("round2/2", "G?", "H."),
        ],
    ),
    "rounds, bare": (
        "1. A?\nSolution. B.\n2. C?\nSolution. D.\nDay 2\n1. E?\nSolution. F.",
        [("1", "A?", "B."), ("2", "C?", "D."), ("round2/1", "E?", "F.")],
    ),
    "two solutions of one problem": (
        "Problem 5. A?\nSolution 1. B.\nSolution 2. C.\nProblem 6. D?\nSolution 1. E.",
        [("5", "A?", "B."), ("6", "D?", "E.")],
    ),
    "mentions at the start of a line": (
        "Problem 1. A?\nSolution. It is the\nsolution of it.\nProblem 2. B?\nSolution. By\n"
        "Problem 1 we see it, and by\nproblem 1. Then",
        [
            ("1", "A?", "It is the solution of it."),
            ("2", "B?", "By Problem 1 we see it, and by problem 1. Then"),
        ],
    ),
    "an answer key": (
        "1. A?\nSolution. B.\n2. C?\nSolution. D.\nAnswer key\n1. E\n2. F",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "no headings": ("Nothing is asked here.", []),
}


@pytest.mark.parametrize("name", EXAMS)
def test_a_text_is_cut_at_its_headings(name):
    text, expected = EXAMS[name]
    pairs, dropped = cut_pairs(text, "x.pdf")
    found = [(pair.id.removeprefix("x/"), pair.problem, pair.solution) for pair in pairs]
    assert found == expected
    assert dropped == []


@pytest.mark.parametrize(
    ("solution", "answer", "kept"),
    [
        ("We add.\nAnswer: 3.", "3", "We add."),
        ("We add, so \\boxed{4}.", "4", "We add, so \\boxed{4}."),
        ("We add. The answer is 5.", "5", "We add. The answer is 5."),
        ("We add and stop.", "", "We add and stop."),
    ],
)
def test_the_answer_is_that_of_its_line_or_of_the_solution(solution, answer, kept):
    (pair,), _ = cut_pairs(f"Problem 1. A?\nSolution. {solution}", "x.pdf")
    assert (pair.answer, pair.solution) == (answer, kept)


def test_a_problem_without_a_solution_is_left_out_and_named():
    pairs, dropped = cut_pairs("Problem 1. Nothing.\nProblem 2. A?\nSolution. B.", "x.pdf")
    assert [pair.id for pair in pairs] == ["x/2"]
    assert dropped == [Dropped("x/1", "no_solution")]


def test_a_real_exam_is_cut_into_its_exercises():
    if not SHARED.exists():
        pytest.skip("the shared exams are not on this machine")
    import pypdfium2

    document = pypdfium2.PdfDocument(SHARED / "en_strickland_problems_solutions.pdf")
    text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    pairs, dropped = cut_pairs(text.replace("\r\n", "\n"), "strickland.pdf")
    assert [pair.id for pair in pairs] == [f"strickland/{number}" for number in range(1, 81)]
    assert dropped == []
