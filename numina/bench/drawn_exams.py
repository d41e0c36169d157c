"""Exams of our own in many layouts, with what each problem should read."""

from __future__ import annotations

from collections.abc import Sequence

from numina.bench.draw_exam import DrawnExam
from numina.bench.exam_labels import Labelled

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
