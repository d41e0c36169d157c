"""The one list of systems, and the words for them, which are those of the run's own records."""

import pytest

from numina.errors import UserError
from numina.measure.systems import GREEDY, MODELS, SYSTEMS, SystemLabels, quantisation_name


def test_the_list_is_sound():
    names = [system.name for system in SYSTEMS]
    assert len(set(names)) == len(names)
    assert [system.name for system in GREEDY] == ["cot_greedy", "tir_greedy", "gptq_greedy"]
    assert MODELS == ("cot", "tir", "quantised")
    for place, system in enumerate(SYSTEMS):
        assert (system.after is None) == (place == 0) == (not system.adds)
        assert system.after is None or system.after in names[:place]


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"bits": 8, "method": "GPTQ"}, "8-bit GPTQ"),
        ({"bits": 4, "method": "GPTQ"}, "4-bit GPTQ"),
        ({"bits": 4, "method": "AWQ"}, "4-bit AWQ"),
    ],
)
def test_the_quantisation_is_named_after_its_record(record, name):
    assert quantisation_name(record) == name
    labels = SystemLabels.of(name, 4, 4)
    assert labels.long["gptq_greedy"] == f"Tool-integrated, {name}, greedy"
    assert labels.short["gptq_greedy"] == name
    assert labels.long["sctir"] == f"SC-TIR: {name}, sampled, voted"


@pytest.mark.parametrize(
    "record", [{}, {"bits": 8}, {"method": "GPTQ"}, {"bits": "x", "method": 1}]
)
def test_a_record_that_does_not_say_is_refused(record):
    with pytest.raises(UserError, match="no bits or no method"):
        quantisation_name(record)


def test_at_depth_0_sctir_is_chain_of_thought_with_votes():
    labels = SystemLabels.of("8-bit GPTQ", greedy_depth=4, vote_depth=0)
    assert labels.long["sctir"] == "Chain of thought with votes: 8-bit GPTQ, sampled, voted"
    assert labels.short["sctir"] == "CoT votes"
    assert labels.long["tir_greedy"] == "Tool-integrated, greedy"
    assert "no programs" in SystemLabels.of("", 0, 4).long["tir_greedy"]
