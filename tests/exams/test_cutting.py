"""From the lines of an exam to problems with their solutions."""

import pytest

from numina.bench.exam_labels import from_latex, read_labels
from numina.exams.cutting import cut_exam
from numina.exams.exam import problems_of
from numina.exams.line import Line, hyphens_settled, joined, plain_lines
from numina.exams.pages import read_exam
from numina.records.dropped import Removal
from numina.records.problem import Problem
from tests.conftest import SHARED
from tests.exams.reading import reader_of

# Texts without a layout, and the label, statement and solution of each problem.
EXAMS = {
    "worded": (
        "Problem 1. A?\nSolution. B.\nAnswer: 3",
        [("1", "A?", "B.")],
    ),
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
        "Problem 1. A?\nSolution.\n1. Expand.\n2. Collect terms.\nAnswer: 5\nProblem 2. B?\nSolution. It is 5.",
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
        "Problem A1. A?\nSolution. C.\nProblem B1. B?\nSolution. D.\nExercise 1.1. E?\nSolution. F.\nExercise 1.2. G?\nSolution. H.",
        [("A1", "A?", "C."), ("B1", "B?", "D."), ("1.1", "E?", "F."), ("1.2", "G?", "H.")],
    ),
    "rounds": (
        "Round 1\nProblem 1. A?\nSolution. B.\nProblem 2. C?\nSolution. D.\nRound 2\nProblem 1. E?\nSolution. F.\nProblem 2. G?\nSolution. H.",
        [("1", "A?", "B."), ("2", "C?", "D."), ("round2/1", "E?", "F."), ("round2/2", "G?", "H.")],
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
        "Problem 1. A?\nSolution. It is the\nsolution of it.\nProblem 2. B?\nSolution. By\nProblem 1 we see it, and by\nproblem 1. Then",
        [
            ("1", "A?", "It is the solution of it."),
            ("2", "B?", "By Problem 1 we see it, and by problem 1. Then"),
        ],
    ),
    "an answer key": (
        "1. A?\nSolution. B.\n2. C?\nSolution. D.\nAnswer key\n1. E\n2. F",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "no headings": (
        "Nothing is asked here.",
        [],
    ),
    "Q with answers": (
        "Q1. A?\nAns. B.\nQ2. C?\nAns. D.",
        [("1", "A?", ""), ("2", "C?", "")],
    ),
    "Q without a point": (
        "Q1 Find it.\nSolution: B.\nQ2 Show it.\nSolution: D.",
        [("1", "Find it.", "B."), ("2", "Show it.", "D.")],
    ),
    "dated": (
        "(1.1; 2013-14) A?\nSolution. B.\n(1.1; 2014-15) C?\nSolution. D.\n(1.2; 2013-14) E?\nSolution. F.",
        [("1.1_2013-14", "A?", "B."), ("1.1_2014-15", "C?", "D."), ("1.2_2013-14", "E?", "F.")],
    ),
    "dated after a word": (
        "Exercise (1.1; 2013-14) A?\nSolution. B.\nExercise (1.2; 2013-14) C?\nSolution. D.",
        [("1.1_2013-14", "A?", "B."), ("1.2_2013-14", "C?", "D.")],
    ),
    "Chinese": (
        "一、(10分) 求甲.\n解 是乙.\n二、(12分) 求丙.\n证明：是丁.\n三、求戊.\n【解】是己.",
        [("1", "求甲.", "是乙."), ("2", "求丙.", "是丁."), ("3", "求戊.", "是己.")],
    ),
    "Chinese, parts solved one by one": (
        "一、计算下列各题.\n(1) 甲?\n解 乙.\n(2) 丙?\n解 丁.\n二、证明戊.\n证 己.",
        [("1", "计算下列各题. (1) 甲? (2) 丙?", "(1) 乙. (2) 丁."), ("2", "证明戊.", "己.")],
    ),
    "Chinese, parts solved behind all": (
        "一、设甲.\n(1) 求乙;\n(2) 求丙.\n(1) 解 丁.\n(2) 证 戊.\n二、求己.\n解 庚.",
        [("1", "设甲. (1) 求乙; (2) 求丙.", "(1) 丁. (2) 戊."), ("2", "求己.", "庚.")],
    ),
    "Chinese, kinds of questions and a key": (
        "一、选择题\n1. 甲?\n2．乙?\n二、填空题\n3. 丙?\n三、解答题\n4、丁?\n参考答案\n1. A 2. B 3. 7\n4. 9",
        [("1", "甲?", ""), ("2", "乙?", ""), ("3", "丙?", ""), ("4", "丁?", "")],
    ),
    "Chinese, kinds of questions that count again": (
        "一、填空题\n1. 甲?\n解：乙.\n2. 丙?\n解：丁.\n二、解答题\n1. 戊?\n解：己.\n2. 庚?\n解：辛.",
        [
            ("1", "甲?", "乙."),
            ("2", "丙?", "丁."),
            ("round2/1", "戊?", "己."),
            ("round2/2", "庚?", "辛."),
        ],
    ),
    "Chinese, in brackets, with answers": (
        "第1题 求甲.\n【答案】3\n【解析】因为乙.\n第2题 求丙.\n【答案】4\n【解析】因为丁.",
        [("1", "求甲.", "因为乙."), ("2", "求丙.", "因为丁.")],
    ),
    "Chinese, solutions apart": (
        "一、求甲.\n二、求乙.\n参考答案\n一、解：丙.\n二、证明：丁.",
        [("1", "求甲.", "丙."), ("2", "求乙.", "丁.")],
    ),
    "parts A and B": (
        "Part A\n1. A?\n2. B?\nPart B\n1. C?\n2. D?\nSolutions\nPart A\n1. E.\n2. F.\nPart B\n1. G.\n2. H.",
        [("1", "A?", "E."), ("2", "B?", "F."), ("round2/1", "C?", "G."), ("round2/2", "D?", "H.")],
    ),
    "second round": (
        "Round 1\nProblem 1. A?\nSolution. B.\nProblem 2. C?\nSolution. D.\nRound 2\nProblem 1. E?\nSolution. F.\nProblem 1a. G?\nSolution. H.\nProblem 1b. I?\nSolution. J.",
        [
            ("1", "A?", "B."),
            ("2", "C?", "D."),
            ("round2/1", "E?", "F."),
            ("round2/1a", "G?", "H."),
            ("round2/1b", "I?", "J."),
        ],
    ),
    "second round, no titles": (
        "Problem 1. A?\nSolution. B.\nProblem 2. C?\nSolution. D.\nProblem 1. E?\nSolution. F.\nProblem 1a. G?\nSolution. H.\nProblem 1b. I?\nSolution. J.",
        [
            ("1", "A?", "B."),
            ("2", "C?", "D."),
            ("round2/1", "E?", "F."),
            ("round2/1a", "G?", "H."),
            ("round2/1b", "I?", "J."),
        ],
    ),
    "roman": (
        "I. A?\nSolution. B.\nII. C?\nSolution. D.\nIII. E?\nProof. F.",
        [("I", "A?", "B."), ("II", "C?", "D."), ("III", "E?", "F.")],
    ),
    "key with answers": (
        "1. A?\n2. B?\n3. C?\nAnswer Key\n1. 5 2. 7\n3. 9",
        [("1", "A?", ""), ("2", "B?", ""), ("3", "C?", "")],
    ),
    "numbers in prose": (
        "1. A is\n12. Then?\nSolution. B is\n3. So C.\n2. D?\nSolution. E.\n3. F?\nSolution. G.",
        [("1", "A is 12. Then?", "B is 3. So C."), ("2", "D?", "E."), ("3", "F?", "G.")],
    ),
    "a missing number": (
        "1. A?\nSolution. B.\n2. C?\nSolution. D.\n4. E?\nSolution. F.\n5. G?\nSolution. H.",
        [("1", "A?", "B."), ("2", "C?", "D."), ("4", "E?", "F."), ("5", "G?", "H.")],
    ),
    "problems only": (
        "Problem 1. A?\nProblem 2. B?\nProblem 3. C?",
        [("1", "A?", ""), ("2", "B?", ""), ("3", "C?", "")],
    ),
    "bare, problems only": (
        "1. A?\n2. B?\n3. C?",
        [("1", "A?", ""), ("2", "B?", ""), ("3", "C?", "")],
    ),
    "brackets": (
        "(1) A?\nSolution: B.\n(2) C?\nSolution: D.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "putnam": (
        "A1. A?\nSolution. B.\nA2. C?\nSolution. D.\nB1. E?\nSolution. F.",
        [("A1", "A?", "B."), ("A2", "C?", "D."), ("B1", "E?", "F.")],
    ),
    "parts solved in turn": (
        "Problem 1. Let it.\n(a) A?\n(b) B?\nSolution. (a) C.\n(b) D.\nProblem 2. E?\nSolution. F.",
        [("1", "Let it. (a) A? (b) B?", "(a) C. (b) D."), ("2", "E?", "F.")],
    ),
    "alternatives": (
        "Problem 1. A?\nSolution. B.\nAlternative solution. C.\nProblem 2. D?\nSolution. E.\nSecond solution. F.",
        [("1", "A?", "B."), ("2", "D?", "E.")],
    ),
    "points": (
        "Problem 1 (5 points). A?\nSolution. B.\nProblem 2 [10 marks] C?\nSolution. D.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "bare without space": (
        "1.A?\nSolution.B.\n2.C?\nSolution.D.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "sections numbered": (
        "1.1 Find A?\nSolution. B.\n1.2 Find C?\nSolution. D.\n2.1 Find E?\nSolution. F.",
        [("1.1", "Find A?", "B."), ("1.2", "Find C?", "D."), ("2.1", "Find E?", "F.")],
    ),
    "problem list then labelled solutions": (
        "Problems\n1. A?\n2. B?\nSolution to Problem 1. C.\nSolution to Problem 2. D.",
        [("1", "A?", "C."), ("2", "B?", "D.")],
    ),
    "rounds with solutions in turn": (
        "Day 1\nProblem 1. A?\nProblem 2. B?\nSolutions\nProblem 1. C.\nProblem 2. D.\nDay 2\nProblem 1. E?\nProblem 2. F?\nSolutions\nProblem 1. G.\nProblem 2. H.",
        [("1", "A?", "C."), ("2", "B?", "D."), ("round2/1", "E?", "G."), ("round2/2", "F?", "H.")],
    ),
    "solution with proof": (
        "Problem 1. A?\nSolution. It is B.\nProof. By C.\nProblem 2. D?\nSolution. E.",
        [("1", "A?", "It is B. Proof. By C."), ("2", "D?", "E.")],
    ),
    "Chinese, a statement that asks for a proof": (
        "一、设甲，\n证明：乙.\n证 丙.\n二、求丁.\n解 戊.",
        [("1", "设甲，证明：乙.", "丙."), ("2", "求丁.", "戊.")],
    ),
    "markdown": (
        "## Problem 1\nA?\n### Solution\nB.\n## Problem 2\nC?\n### Solution\nD.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "markdown bold": (
        "**Problem 1.** A?\n**Solution.** B.\n**Problem 2.** C?\n**Solution.** D.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "Chinese, points": (
        "17．（10分）甲?\n解：乙\n18．（12分）丙?\n解：丁\n19．（12分）戊?\n解：己",
        [("17", "甲?", "乙"), ("18", "丙?", "丁"), ("19", "戊?", "己")],
    ),
    "Chinese, brackets": (
        "（1）甲?\n解：乙\n（2）丙?\n解：丁",
        [("1", "甲?", "乙"), ("2", "丙?", "丁")],
    ),
    "Chinese, numerals in brackets": (
        "（一）甲?\n解：乙\n（二）丙?\n解：丁",
        [("1", "甲?", "乙"), ("2", "丙?", "丁")],
    ),
    "solution steps Step 1": (
        "Problem 1. A?\nSolution. Step 1. B.\nStep 2. C.\nProblem 2. D?\nSolution. E.",
        [("1", "A?", "Step 1. B. Step 2. C."), ("2", "D?", "E.")],
    ),
    "headings alone": (
        "Problem 1\nA?\nSolution\nB.\nProblem 2\nC?\nSolution\nD.",
        [("1", "A?", "B."), ("2", "C?", "D.")],
    ),
    "answer lines": (
        "1. A?\nAnswer: 5\n2. B?\nAnswer: 6",
        [("1", "A?", ""), ("2", "B?", "")],
    ),
    "letters in a solution": (
        "1. A?\nSolution.\nA. u\nB. v\n2. C?\nSolution. D.",
        [("1", "A?", "A. u B. v"), ("2", "C?", "D.")],
    ),
    "choices": (
        "1. A?\n(A) 1 (B) 2\n2. B?\n(A) 3 (B) 4\nAnswers\n1. A\n2. B",
        [("1", "A? (A) 1 (B) 2", ""), ("2", "B? (A) 3 (B) 4", "")],
    ),
    "choices by line": (
        "1. A?\nA. one\nB. two\nC. three\n2. B?\nA. one\nB. two\nC. three\n3. C?\nA. one\nB. two\nC. three",
        [
            ("1", "A? A. one B. two C. three", ""),
            ("2", "B? A. one B. two C. three", ""),
            ("3", "C? A. one B. two C. three", ""),
        ],
    ),
}


@pytest.mark.parametrize("name", EXAMS)
def test_a_text_is_cut_at_its_labels(name):
    text, expected = EXAMS[name]
    found = [
        (problem.id.removeprefix("x/"), problem.problem, problem.solution)
        for problem, _ in cut_exam(plain_lines(text), "x.pdf")
    ]
    assert found == expected


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
    ((problem, _),) = cut_exam(plain_lines(f"Problem 1. A?\nSolution. {solution}"), "x.pdf")
    assert (problem.answer, problem.solution) == (answer, kept)


@pytest.mark.parametrize(
    ("key", "answers"),
    [
        ("Answer Key\n1. 5 2. 7\n3. 9/2", ["5", "7", "9/2"]),
        ("Answers\n1) 5\n2) 7\n3) (1, 2)", ["5", "7", "(1, 2)"]),
        ("答案\n1-3 ABD", ["A", "B", "D"]),
        ("参考答案\n1．B　2．C　3．7", ["B", "C", "7"]),
    ],
)
def test_a_key_gives_the_answers(key, answers):
    cut = cut_exam(plain_lines(f"1. A?\n2. B?\n3. C?\n{key}"), "x.pdf")
    assert [(problem.problem, problem.answer) for problem, _ in cut] == [
        (f"{letter}?", answer) for letter, answer in zip("ABC", answers, strict=True)
    ]


def test_headings_differ_from_lists_by_their_layout():
    """The list in the solution goes on counting where the headings stop."""
    lines = [
        Line("1. A?", bold=True),
        Line("Solution. We do this:"),
        Line("2. Expand.", indent=2.0),
        Line("3. Collect.", indent=2.0),
        Line("2. B?", bold=True),
        Line("Solution. C."),
        Line("3. D?", bold=True),
        Line("Solution. E."),
    ]
    assert [problem.problem for problem, _ in cut_exam(lines, "x.pdf")] == ["A?", "B?", "D?"]


def test_one_misread_number_does_not_carry_the_others_away():
    numbers = (1, 2, 8, 4, 5)  # OCR read 8 for 3
    text = "\n".join(f"{number}. P{place}?\nSolution. S." for place, number in enumerate(numbers))
    cut = [problem.id for problem, _ in cut_exam(plain_lines(text), "x.pdf")]
    assert cut == ["x/1", "x/2", "x/4", "x/5"]


def test_what_is_lost_in_a_line_is_lost_for_its_problem_only():
    lines = plain_lines("Problem 1. A?\nSolution. B.") + plain_lines(
        "Problem 2. C?", lost="stacked"
    )
    found = list(problems_of([lines], "x.pdf"))
    assert isinstance(found[0], Problem)
    assert isinstance(found[1], Removal)
    assert (found[1].rule, found[1].reason) == ("formulas_lost", "stacked")


def test_names_of_problems_differ():
    text = "\n".join(["Problem 1. A?\nSolution. B."] * 3)
    names = [problem.id for problem, _ in cut_exam(plain_lines(text), "x.pdf")]
    assert names == ["x/1", "x/round2/1", "x/round3/1"]


def test_a_hyphen_at_the_end_of_a_line_is_kept_in_compounds_only():
    lines = [
        Line("the row\u00ad"),
        Line("reduction of a depen\u00ad"),
        Line("dent row, a reduction"),
    ]
    text = joined(line.text for line in hyphens_settled(lines))
    assert text == "the row-reduction of a dependent row, a reduction"


def test_labels_come_from_latex():
    text = r"""\begin{document}
\begin{exercise}\label{a} Find $x$. % not this
\end{exercise}
\begin{solution} It is \[ x = 1 \text{ or } 2 \] \end{solution}
\begin{problem} Show it. \end{problem}
"""
    labels = from_latex(text)
    assert [label.label for label in labels] == ["1", "2"]
    assert labels[0].solution.startswith(" It is")
    assert labels[1].solution == ""


def test_a_real_english_exam_is_cut_into_its_exercises():
    if not SHARED.exists():
        pytest.skip("the shared exams are not on this machine")
    from numina.bench.exam_labels import distance

    exams = SHARED / "exams"
    labels = read_labels(exams / "en_strickland_problems_solutions.tex")
    pages = read_exam(exams / "en_strickland_problems_solutions.pdf", reader_of(ocr=False))
    rows = list(problems_of([page.lines for page in pages], "x.pdf"))
    found = [row.row if isinstance(row, Removal) else row for row in rows]
    right = exact = 0
    for problem, label in zip(found, labels, strict=True):
        assert isinstance(problem, Problem)
        parts = (
            distance(problem.problem, label.problem),
            distance(problem.solution, label.solution),
        )
        named = problem.id == f"x/{label.label}"
        right += named and all(part.right for part in parts)
        exact += named and not any(part.errors for part in parts)
    assert right == 80
    assert exact >= 76  # the others differ in words that the labels have in formulas
    kept = [row for row in rows if isinstance(row, Problem)]
    assert 0 < len(kept) < 20  # most have matrices
