"""A tokenizer splits a text as its tokenizer.json says, whatever class its configuration names."""

import json
import shutil

import pytest

from numina.models.tokenizer import PROBE, load_faithful_tokenizer
from numina.models.weights import load_tokenizer
from tests.hub.model import BEGIN, write_tokenizer


@pytest.fixture
def deepseek(tmp_path):
    """The files of DeepSeekMath's tokenizer: a byte-level BPE under the name of Llama's."""
    (tmp_path / "deepseek").mkdir()
    write_tokenizer(tmp_path / "deepseek", [PROBE] * 4)
    return tmp_path / "deepseek"


def test_transformers_alone_loses_the_spaces(deepseek):
    """Why this module exists; once it fails, transformers has mended it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(deepseek)
    assert "print(x**2)" in tokenizer.decode(tokenizer.encode(PROBE))


@pytest.mark.parametrize("load", [load_faithful_tokenizer, load_tokenizer])
def test_a_byte_level_tokenizer_that_is_called_llamas(deepseek, load):
    from tokenizers import Tokenizer

    (deepseek / "config.json").write_text('{"model_type": "llama"}')
    stated = Tokenizer.from_file(str(deepseek / "tokenizer.json"))
    tokenizer = load(deepseek)
    assert tokenizer.encode(PROBE)[1:] == stated.encode(PROBE, add_special_tokens=False).ids
    assert tokenizer.decode(tokenizer.encode(PROBE), skip_special_tokens=True) == PROBE


def test_its_first_token_is_kept_and_it_stays_right_once_saved(deepseek, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = load_faithful_tokenizer(deepseek)
    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again.encode(PROBE) == tokenizer.encode(PROBE)
    assert tokenizer.encode(PROBE)[0] == tokenizer.convert_tokens_to_ids(BEGIN)
    assert (again.eos_token, again.pad_token) == (tokenizer.eos_token, tokenizer.pad_token)


def test_what_is_saved_does_not_depend_on_hf_hub_offline(deepseek, tmp_path, monkeypatch):
    saved = []
    for offline in (False, True):
        monkeypatch.setattr(
            "transformers.tokenization_utils_base.is_offline_mode", lambda offline=offline: offline
        )
        load_faithful_tokenizer(deepseek).save_pretrained(tmp_path / "saved")
        saved.append((tmp_path / "saved/tokenizer_config.json").read_bytes())
        monkeypatch.undo()
    assert saved[0] == saved[1]


@pytest.mark.parametrize("side", ["add_bos_token", "add_eos_token"])
def test_a_token_at_either_end_is_added_where_the_configuration_says_so(deepseek, side):
    file = deepseek / "tokenizer_config.json"
    config = json.loads(file.read_text()) | {"add_bos_token": False, "add_eos_token": False}
    file.write_text(json.dumps(config | {side: True}))
    plain = load_faithful_tokenizer(deepseek).encode(PROBE, add_special_tokens=False)
    whole = load_faithful_tokenizer(deepseek).encode(PROBE)
    assert (whole[1:] if side == "add_bos_token" else whole[:-1]) == plain


def test_a_tokenizer_that_is_what_it_says_is_left_alone(model_folder, tmp_path, capsys):
    from transformers import AutoTokenizer

    shutil.copytree(model_folder, tmp_path / "model")
    tokenizer = load_faithful_tokenizer(tmp_path / "model")
    assert tokenizer.encode(PROBE) == AutoTokenizer.from_pretrained(model_folder).encode(PROBE)
    assert capsys.readouterr().err == ""
