"""The cost of traces in tokens and seconds, where they ended, and how their programs ended."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from numina.measure.results import Results
from numina.measure.systems import GREEDY, SCTIR
from numina.records.trace import Trace, Verdict


def costs(results: Results, splits: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Cost by system over some splits, all seeds together."""
    found = {
        system.name: cost([t for split in splits for t in results.greedy[system.model][split]])
        for system in GREEDY
    }
    verdicts = [v for split in splits for group in results.sctir[split].values() for v in group]
    return {**found, SCTIR.name: vote_cost(verdicts)}


def cost(traces: Sequence[Trace]) -> dict[str, Any]:
    """The cost of some traces together.

    Traces run side by side and each counts its own seconds, so the sums exceed the wall-clock.
    """
    return {
        "traces": len(traces),
        "tokens_prompted": sum(trace.prompt_tokens for trace in traces),
        "tokens_cached": sum(trace.cached_tokens for trace in traces),
        "tokens_generated": sum(trace.generated_tokens for trace in traces),
        "decode_s": round(sum(trace.decode_s for trace in traces), 1),
        "execute_s": round(sum(trace.execute_s for trace in traces), 1),
        "wait_s": round(sum(trace.wait_s for trace in traces), 1),
        "ends": counted([trace.end for trace in traces]),
        "programs": counted([status for trace in traces for status in trace.block_statuses]),
    }


def vote_cost(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The cost of the traces of votes, and what was saved by not running all of them.

    The tokens saved are an estimate: the number of traces that were not run, times the mean length
    of the problem's other traces.
    """
    saved = sum(
        verdict.outstanding * statistics.mean(t.generated_tokens for t in verdict.traces)
        for verdict in verdicts
        if verdict.traces
    )
    return {
        **cost([trace for verdict in verdicts for trace in verdict.traces]),
        "tokens_saved": round(saved),
        "stops": counted([verdict.stop for verdict in verdicts]),
    }


def counted(words: Sequence[str]) -> dict[str, int]:
    """How often each word occurs, the most frequent first."""
    return dict(sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0])))
