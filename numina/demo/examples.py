"""Problems that a visitor may try, in the words of the families that the default model knows."""

EXAMPLES = {
    "Multiples": "How many positive integers below $200$ are divisible by $7$ or by $11$?",
    "Roots": "Let $r$ and $t$ be the roots of $x^2 - 39x + 3 = 0$. Find $r^2 + t^2$.",
    "A large power": "What is the remainder when $26^{190}$ is divided by $1000$?",
    "Remainders": "What is the least positive integer $n$ with $n \\equiv 2 \\pmod{11}$ and "
    "$n \\equiv 4 \\pmod{19}$?",
    "Points in a disc": "How many pairs $(x, y)$ of integers satisfy $x^2 + y^2 \\le 115$?",
    "A sequence": "Let $a_1 = 1$, $a_2 = 6$ and $a_n = a_{n-1} + a_{n-2}$ for $n > 2$. What is the "
    "remainder when $a_{28}$ is divided by $7$?",
}
