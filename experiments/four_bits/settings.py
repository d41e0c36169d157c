"""The section of its own that an experiment with 4 bits has."""

from __future__ import annotations

from numina.settings.section import Count, Positive, Section, Tokens


class Served(Section):
    """How the speed in vLLM is measured."""

    prompts: Count  # validation problems that each model continues; 0: vLLM is not measured
    new_tokens: Tokens  # of each completion, at most
    limit_s: Positive  # seconds for one model, from start to end
