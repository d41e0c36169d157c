"""The knobs of the steps."""

from numina.settings.section import Count, Section, Seed


class Steps(Section):
    rows: Count  # trained on by each variant; 0: all
    problems: Count  # of each split, that the trained variants are asked; 0: all
    seed: Seed  # which rows
