"""The parts of a statement that are compared each in its own way: prose, figures and options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, chain

from numina.corpus.statement import sentences, tokens
from numina.corpus.wording import Statement, unworded

FIGURE = re.compile(r"\[asy\].*?(?:\[/asy\]|$)|\\begin\{asy\}.*?(?:\\end\{asy\}|$)", re.S)
OPTIONS = [re.compile(rf"\(\s*{letter}\s*\)") for letter in "ABC"]
SEGMENT = re.compile(r"\\(?:overline|overrightarrow|vec|hat|mathbb|mathbf)\s*\{([A-Za-z\s']+)\}")
OPENED = re.compile(r"\$?\s*(?:\\\w+\s*\{)?\s*$")  # before an option
APART = re.compile(rf"asy[\]}}]|{OPTIONS[0].pattern}|{SEGMENT.pattern}")
NAMING = {r"\triangle", r"\angle", r"\mathbb", r"\mathbf", r"\overline", r"\$", "°", "$"}
NUMERALS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
SYMBOLS = {
    **{word: str(n) for n, word in enumerate(NUMERALS, 2)},
    **{r"\times": "*", r"\cdot": "*", r"\frac": "", "/": ""},  # \frac12 is 1/2
    # Words that often are all that differs between two problems.
    **{word: word for word in ("odd", "even", "area", "perimeter", "volume", "sum", "product")},
    **dict.fromkeys(("largest", "greatest", "maximum", "maximal"), "maximum"),
    **dict.fromkeys(("smallest", "least", "minimum", "minimal"), "minimum"),
}

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What is compared of a statement.

    Attributes:
        tokens: of the prose, without fillers.
        symbols: the numbers, operators and relations of the prose.
        bounds: places in `symbols` between which the sentences stand.
        figure: the symbols of the program that draws its figures; () if there is none.
        options: those of its options; () if there are none.
    """

    tokens: Sequence[str]
    symbols: Gram
    bounds: Set[int]
    figure: Gram
    options: Gram

    def has(self, asked: Gram) -> bool:
        """Whether some sentences in a row have these symbols and no others."""
        ends = {begin + len(asked) for begin in self.bounds} & self.bounds
        return any(self.symbols[end - len(asked) : end] == asked for end in ends)


def parts(problem: str, statement: Statement) -> Parts:
    """The parts of a statement that was read."""
    figure, options, found = (), (), statement.sentences
    if APART.search(problem):
        drawn = " ".join(FIGURE.findall(problem))
        prose = FIGURE.sub(" ", problem)
        prose, offered = without_options(prose)
        prose = SEGMENT.sub(r" \1 ", prose)
        figure, options = symbols(tokens(drawn)), symbols(tokens(offered))
        found = sentences(prose)
    by_sentence = [symbols(sentence) for sentence in found]
    return Parts(
        [token for token in unworded(chain.from_iterable(found)) if token not in NAMING],
        tuple(chain.from_iterable(by_sentence)),
        {0, *accumulate(map(len, by_sentence))},
        figure,
        options,
    )


def without_options(prose: str) -> tuple[str, str]:
    """A statement up to its options, and these."""
    end, begin = 0, len(prose)
    for option in OPTIONS:
        match = option.search(prose, end)
        if match is None:
            return prose, ""
        begin, end = min(begin, match.start()), match.end()
    begin = len(OPENED.sub("", prose[:begin]))
    return prose[:begin], prose[begin:]


def symbols(found: Iterable[str]) -> Gram:
    """The numbers, operators and relations among tokens, and words that count as such."""
    spelt = (
        SYMBOLS.get(token, token)
        for token in found
        if token in SYMBOLS or not (token.isalpha() or token in NAMING)
    )
    return tuple(filter(None, spelt))
