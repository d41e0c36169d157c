"""Whatever JSON a server sends, the result is a completion or a failure that names the server."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numina.engine.failure import ServerFailed
from numina.engine.protocol import Completion, Sampling
from numina.engine.reply import completion_of, parsed, served_name

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner)
)


def either(good):
    """Mostly what is right, and anything else."""
    return st.one_of(good, good, JSON)


CHOICE = st.fixed_dictionaries(
    {},
    optional={
        "text": either(st.sampled_from(["4", "", "x```output\n", "\ud800"])),
        "finish_reason": either(st.sampled_from(["stop", "length", "abort"])),
        "stop_reason": either(st.sampled_from([None, "```output\n", 7])),
        "matched_stop": either(st.none()),
        "logprobs": either(st.fixed_dictionaries({"token_logprobs": either(st.lists(LEAVES))})),
    },
)
USAGE = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": either(st.integers()),
        "completion_tokens": either(st.integers()),
        "prompt_tokens_details": either(st.fixed_dictionaries({"cached_tokens": JSON})),
    },
)
REPLY = st.fixed_dictionaries(
    {},
    optional={
        "choices": either(st.lists(either(CHOICE), max_size=2)),
        "usage": either(USAGE),
        "error": JSON,
        "data": either(st.lists(either(st.fixed_dictionaries({"id": JSON})), max_size=2)),
    },
)
SAMPLING = Sampling(0.8, 1, 24, ("```output\n",), 1)


@given(either(REPLY))
def test_any_reply_is_a_completion_or_a_failure(reply):
    try:
        found = parsed("URL", json.dumps(reply).encode())
        done = completion_of("URL", found, "Q", SAMPLING, 0.5, len)
    except ServerFailed as error:
        assert str(error).startswith("URL: ")
        assert "\n" not in str(error)
        return
    assert isinstance(done, Completion)
    done.text.encode()
    assert min(done.prompt_tokens, done.generated_tokens, done.cached_tokens) >= 0
    assert math.isfinite(done.logprob_sum)
    assert (done.finish == "stop") == done.text.endswith("```output\n")


@given(either(REPLY))
def test_any_list_of_models_is_a_name_or_a_failure(reply):
    try:
        assert served_name("URL", parsed("URL", json.dumps(reply).encode()), Path("models/tir"))
    except ServerFailed as error:
        assert str(error).startswith("URL: ")


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ([{"id": "models/tir"}], "models/tir"),
        ([{"id": "/data/models/tir/", "root": "/data/models/tir/"}], "/data/models/tir/"),
        ([{"id": "mine", "root": "/data/tir"}], "mine"),
        ([{"id": "models/cot"}, {"id": "tir"}], "tir"),
        ([{"id": "models/cot", "root": None}, 3, {"id": "tir", "root": 7}], "tir"),
        ([{"id": "models/cot"}], None),
        ([{"id": "gpt", "root": "models/quantised"}], None),
        ([{"id": "tiramisu"}], None),
        ([{"id": "", "root": "models/tir"}, {"id": "models/cot"}], None),
    ],
)
def test_a_server_is_asked_only_for_the_model_of_the_folder(listed, name):
    reply = {"data": listed}
    if name:
        assert served_name("URL", reply, Path("models/tir")) == name
        return
    with pytest.raises(ServerFailed, match=r"URL: serves '.*', not 'models/tir': ") as error:
        served_name("URL", reply, Path("models/tir"))
    assert error.value.kind == "unsuitable"
