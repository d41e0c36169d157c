"""Broken model folders: each is one line that names the file, before torch is imported."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.models.folder import check_model_folder


def cut(file: str, size: int) -> Callable[[Path], object]:
    def broken(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[:size])

    return broken


def write(file: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_text(text)


def remove(*files: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / file).unlink() for file in files]


def sharded(index: object, *, keep: bool = True) -> Callable[[Path], object]:
    def broken(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        if not keep:
            (folder / "model-00001-of-00001.safetensors").unlink()

    return broken


def header(change: Callable[[dict], object]) -> Callable[[Path], object]:
    """A safetensors file with another header before the same tensors."""

    def broken(folder: Path) -> None:
        file = folder / "model.safetensors"
        content = file.read_bytes()
        size = int.from_bytes(content[:8], "little")
        found = json.loads(content[8 : 8 + size])
        change(found)
        text = json.dumps(found).encode()
        file.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])

    return broken


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
FIRST = "model.embed_tokens.weight"
SHARD = "model-00001-of-00001.safetensors"
BROKEN = {
    "no config": (remove("config.json"), "no config.json"),
    "an empty config": (write("config.json", ""), "config.json: is empty"),
    "a config cut short": (cut("config.json", 40), "config.json: not JSON"),
    "a config that is a list": (write("config.json", "[]"), "config.json: list"),
    "a config that is null": (write("config.json", "null"), "config.json: NoneType"),
    "a config without model_type": (write("config.json", "{}"), "no model_type"),
    "a config nested without end": (write("config.json", "[" * 99999), "config.json: not JSON"),
    "a quantisation that is text": (
        write("config.json", '{"model_type": "llama", "quantization_config": "gptq"}'),
        "quantization_config",
    ),
    "no tokenizer_config": (remove("tokenizer_config.json"), "no tokenizer_config.json"),
    "no tokenizer": (remove("tokenizer.json"), "no vocabulary"),
    "a tokenizer cut short": (cut("tokenizer.json", 500), "tokenizer.json: not JSON"),
    "an empty tokenizer": (write("tokenizer.json", "{}"), "tokenizer.json: holds no tokenizer"),
    "a tokenizer of Git LFS": (write("tokenizer.json", LFS), "tokenizer.json: a Git LFS pointer"),
    "a broken generation_config": (write("generation_config.json", "{"), "generation_config.json"),
    "no weights": (remove("model.safetensors"), "no weights"),
    "empty weights": (write("model.safetensors", ""), "model.safetensors: is empty"),
    "weights of Git LFS": (write("model.safetensors", LFS), "a Git LFS pointer"),
    "weights cut short": (cut("model.safetensors", -1000), "not whole safetensors"),
    "weights cut within the header": (cut("model.safetensors", 100), "not whole safetensors"),
    "weights of three bytes": (cut("model.safetensors", 3), "not whole safetensors"),
    "weights that are HTML": (write("model.safetensors", "<html>" * 99), "not whole safetensors"),
    "a tensor beyond the end": (
        header(lambda found: found[FIRST].update(data_offsets=[0, 10**9])),
        "not whole safetensors",
    ),
    "a tensor of another shape": (
        header(lambda found: found[FIRST].update(shape=[3, 3])),
        "not whole safetensors",
    ),
    "a pickle cut short": (
        lambda folder: (
            remove("model.safetensors")(folder),
            write("pytorch_model.bin", "PK")(folder),
        ),
        "pytorch_model.bin",
    ),
    "a missing shard": (sharded({"weight_map": {FIRST: SHARD}}, keep=False), f"{SHARD}: not there"),
    "an index without a map": (sharded({}), "index.json: has no weight_map"),
    "an index of other tensors": (
        sharded({"weight_map": {"x.weight": SHARD}}),
        "has no 'x.weight'",
    ),
    "an index that leaves the folder": (
        sharded({"weight_map": {"x": "../x"}}),
        "not a file's name",
    ),
    "an adapter alone": (
        lambda folder: (
            (folder / "model.safetensors").rename(folder / "adapter_model.safetensors"),
            write("adapter_config.json", "{}")(folder),
        ),
        "an adapter alone",
    ),
    "weights that are a folder": (
        lambda folder: (
            remove("model.safetensors")(folder),
            (folder / "model.safetensors").mkdir(),
        ),
        "model.safetensors: Is a directory",
    ),
}


@pytest.fixture
def folder(model_folder, tmp_path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_folder_is_one_line_that_names_it(folder, kind):
    spoil, reason = BROKEN[kind]
    spoil(folder)
    with pytest.raises(UserError) as error:
        check_model_folder(folder)
    assert reason in str(error.value)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_whole_folders_pass(folder):
    check_model_folder(folder)
    sharded({"weight_map": {FIRST: SHARD}})(folder)
    check_model_folder(folder)


@pytest.mark.parametrize("what", ["absent", "a file"])
def test_what_is_not_a_folder(tmp_path, what):
    path = tmp_path / "model"
    if what == "a file":
        path.write_text("x")
    with pytest.raises(UserError, match=r"model: not .*, so no model to load"):
        check_model_folder(path)


def test_no_heavy_library_is_imported_for_it(folder):
    program = (
        "import sys, pathlib, numina.models.folder as f;"
        f"f.check_model_folder(pathlib.Path({str(folder)!r}));"
        "sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "no_such_type"}, "no_such_type"),
        ({"intermediate_size": 96}, "cannot be loaded"),
        ({"num_hidden_layers": 3}, "weights are missing, such as model.layers.2"),
    ],
)
def test_what_only_loading_shows_is_one_line_too(folder, change, reason):
    from numina.models.weights import load_model

    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(UserError) as error:
        load_model(folder, "float32")
    assert reason in str(error.value)
    assert str(error.value).startswith(f"{folder}: ")
    assert "\n" not in str(error.value)
