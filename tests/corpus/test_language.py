"""Which language a text is in, formulas left out."""

import pytest

from numina.corpus.language import language_of, not_english

CASES = [
    ("How many positive integers below $100$ are divisible by $7$?", "en"),
    ("$x^2 - 5x + 6 = 0$", "en"),
    ("Evaluate $2+2$.", "en"),
    ("One.", "en"),
    # What a library alone takes for Latin, Danish or Swedish.
    (
        "The circumference of the whole circle is $8\\pi$, so that of the base is $4\\pi$.",
        "en",
    ),
    ("Santino has $2$ papaya trees and $3$ mango trees. In total Santino has $5$.", "en"),
    ("mercedes: 3 km. davonte: 3 km + 2 km. mercedes and davonte ran 8 km in total", "en"),
    ("求满足 $x^2 < 10$ 的整数 $x$ 的个数。", "zh"),
    ("设 $f(x)=\\sin x+\\cos x$, 则 $f(x)$ 的最大值是 ( )\nA. $1$\nB. $\\sqrt{2}$", "zh"),
    ("$n$ 個の整数の和を求めよ。", "ja"),
    ("다음 식의 값을 구하시오: $3+4$", "ko"),
    ("Найдите все такие числа $n$", "Cyrillic"),
    ("أوجد قيمة $x$", "Arabic"),
    ("Trouver tous les entiers $n$ tels que $n^2+1$ soit divisible par $n+1$.", "fr"),
    ("Bestimme alle natürlichen Zahlen $n$, für die $n^2+1$ eine Primzahl ist.", "de"),
    ("Sea $ABC$ un triángulo con $AB=3$. Halla el área del triángulo.", "es"),
    ("Determine o valor de $x$ para que a soma dos termos seja igual a $10$.", "pt"),
    ("Trova il valore di $x$ tale che la somma sia massima.", "it"),
]


@pytest.mark.parametrize(("text", "language"), CASES)
def test_a_language_is_recognised_without_the_formulas(text, language):
    assert language_of(text) == language
    assert bool(not_english(text)) == (language != "en")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("The number 求 of all the ways in which the letters of a word can be put.", "求"),
        ("Find the set $\\{x \\mid x<0 \\text{ 或 } x>4\\}$ of all the solutions.", "或"),
    ],
)
def test_a_few_letters_of_another_script_are_named(text, letters):
    assert language_of(text) == "en"
    assert letters in not_english(text)


@pytest.mark.parametrize("text", ["For $α, β ∈ ℝ$ take $θ$.", "Évaluer: $π·r²$", "ℵ₀ and 𝑥"])
def test_signs_of_formulas_are_no_foreign_letters(text):
    assert not not_english(text)
