"""The records of decoding and voting: traces and verdicts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """One sampled solution of one problem: decoded text with the outputs of its programs.

    Attributes:
        problem_id: the problem's id.
        seed: the run's seed; 0 for greedy decoding.
        index: which of the N samples of the problem this is, from 0.
        text: all that follows the prompt, program outputs included.
        answer: the final answer found in the text, or None.
        end: why the trace ended. ``answer``: with an answer. Other ends have a vote only if an
            answer was stated before. ``no_answer``, ``not_integer``, ``out_of_range``: it finished
            without a valid answer. ``depth``, ``context``, ``length``: it reached a limit.
            ``no_code``: it asked for an output without a program. ``empty_output``: two programs
            one after another printed nothing. ``repeat``: the same failure twice. ``failed``: its
            request failed permanently.
        block_statuses: the sandbox status of each program run: ok, error, timeout, ...
        prompt_tokens: tokens sent to the engine, over all its steps.
        cached_tokens: of these, tokens that were already in its cache.
        generated_tokens: tokens that the engine decoded.
        logprob: mean log-probability of the decoded tokens at temperature 1 (natural log).
        decode_s: seconds in the engine.
        execute_s: seconds running programs.
        wait_s: seconds waiting for a place in the engine's batch or the sandbox.
    """

    problem_id: str
    seed: int
    index: int
    text: str
    answer: str | None
    end: str
    block_statuses: list[str]
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    logprob: float
    decode_s: float
    execute_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """SC-TIR's answer to one problem with one seed, and the evidence for it.

    Attributes:
        problem_id: the problem's id.
        seed: the run's seed.
        answer: the winner of the vote, or None if no trace had a vote.
        votes: weight of the votes for each answer, highest first.
        n: how many traces the full vote has.
        traces: the traces that finished, in the order of their indices.
        stop: why no more traces were run: ``full`` (all N finished), ``lossless``, ``beta``,
            ``esc``, or ``deadline``.
        margin: the leader's weight minus the runner-up's.
        outstanding: votes not cast. With ``lossless``, margin > outstanding, which proves that
            they could not have changed the answer.
        cancelled: traces started and then cancelled; their tokens are not counted.
        seconds: wall-clock from the first trace's start to the answer.
    """

    problem_id: str
    seed: int
    answer: str | None
    votes: dict[str, float]
    n: int
    traces: list[Trace]
    stop: str
    margin: float
    outstanding: int
    cancelled: int
    seconds: float
