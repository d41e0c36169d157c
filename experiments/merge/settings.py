"""The section `merge` of params.yaml here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from numina.settings.section import Positive, Section, Seed


class Merge(Section):
    seed: Seed  # of the weights that DARE drops
    steps: Positive  # optimiser steps of each of WARP's trainings
    decay: Annotated[float, Field(gt=0, lt=1)]  # of WARP's moving average, a step
