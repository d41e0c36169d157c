r"""What makes a row's text unfit for training: no content, lost spaces.

NuminaMath writes ``proof`` and ``notfound`` if a problem has no answer; other sets, and the
models that wrote some of them, use other placeholders.
"""

from __future__ import annotations

import re

# Written in a box, or as the answer, if there is no answer.
PLACEHOLDERS = {
    *("proof", "proven", "proved", "qed", "notfound", "noanswer", "noanswerfound"),
    *("answer", "youranswer", "youranswerhere", "finalanswer", "thefinalanswer", "theanswer"),
    *("answerhere", "insertanswer", "insertanswerhere", "todo", "tbd", "blacksquare", "square"),
    *("box", "dots", "ldots", "cdots", "seesolution", "seeabove", "placeholder"),
}
# Words that can be an answer in a box, but mean an empty field in a table.
EMPTY_FIELDS = {"none", "null", "nan", "na", "nil", "missing", "unknown", "undefined"}
LONG = 200  # characters; a longer text is none of these, whatever its style
STYLE = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|rm|bf|it|operatorname)\b")
BLANK = re.compile(r"[\s.?_$\\{}*…□-]*")

NOT_PROSE = re.compile(
    r"\[asy\].*?(?:\[/asy\]|\Z)|```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$.*?(?<!\\)\$"
    r"|\\\(.*?\\\)|\\\[.*?\\\]|\\(?:begin|end)\{[^{}]*\}(?:\{[^{}]*\})?|\\[A-Za-z]+"
    r"|https?://\S+|www\.\S+|\S+@\S+",
    re.S,
)
LONG_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z][a-z]{16,}(?![A-Za-z])")
JOINTS = re.compile(
    "the|and|are|for|have|has|how|many|find|what|that|this|with|from|each|which|there|then|when"
    "|where|number|value|total|between|positive|integers?|below|such|than|into|equal|their|can"
)
LEAST_COVERED = 1 / 3  # of a long word's letters, covered by the short words in it


def is_placeholder(answer: str) -> bool:
    """Whether a box holds a placeholder, not an answer."""
    return bool(BLANK.fullmatch(answer)) or (len(answer) <= LONG and core(answer) in PLACEHOLDERS)


def is_missing(field: str) -> bool:
    """Whether a field holds nothing: it is empty, a placeholder, or the name of an empty value."""
    return is_placeholder(field) or (len(field) <= LONG and core(field) in EMPTY_FIELDS)


def core(answer: str) -> str:
    """The letters and digits of an answer, without its style."""
    return re.sub(r"[\W_]", "", STYLE.sub("", answer)).lower()


def runs_together(text: str) -> bool:
    """Whether a text has lost its spaces, which OCR can cause.

    The sign is a word of 17 letters or more, outside formulas, programs and figures, that is made
    of short common words: "Thefaceshaveareas" is one, "indistinguishable" is not.
    """
    return any(map(is_made_of_words, LONG_WORD.findall(NOT_PROSE.sub(" ", text))))


def is_made_of_words(word: str) -> bool:
    """Whether two or more common words cover enough of a long one."""
    joints = JOINTS.findall(word.lower())
    return len(joints) > 1 and sum(map(len, joints)) >= LEAST_COVERED * len(word)
