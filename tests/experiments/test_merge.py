"""Merges by the real mergekit, and the moving average in the real trainer, with a tiny model."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from experiments.merge import apply, average
from experiments.merge.alike import check_alike
from experiments.merge.settings import Merge
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.template import TEMPLATES
from tests.conftest import changed_params

METHODS = Path(apply.__file__).parent / "methods"
WHOLE = changed_params(
    {
        "sft_tir.learning_rate": 0.01,
        "sft_tir.max_length": 128,
        "sft_tir.packing": "none",
        "hardware.checkpoint_steps": 2,
    }
)
ROWS = [
    Problem(str(i), f"What is ${i}+1$?", str(i + 1), "t", f"It is $\\boxed{{{i + 1}}}$.")
    for i in range(6)
]
MINE = Merge(seed=1, steps=5, decay=0.8)


def weights(model: Path) -> dict:
    from safetensors.torch import load_file

    # Copies: what is loaded lies in the file, which a test may write anew.
    return {name: weight.clone() for name, weight in load_file(model / "model.safetensors").items()}


def changed(model: Path, out: Path, seed: int) -> Path:
    """A copy of a model whose weights are moved at random."""
    import torch
    from safetensors.torch import save_file

    shutil.copytree(model, out)
    torch.manual_seed(seed)
    moved = {name: w + 0.02 * torch.randn_like(w) for name, w in weights(model).items()}
    save_file(moved, out / "model.safetensors", {"format": "pt"})
    return out


@pytest.fixture
def models(model_folder, tmp_path):
    """Folders that the shipped configurations name, as the recipe and other stages leave them."""
    names = ["models/cot", "models/tir", "experiments/kto/model"]
    names += [f"experiments/merge/{name}" for name in ("policies/1", "policies/2")]
    shutil.copytree(model_folder, tmp_path / "models/base")
    for seed, name in enumerate(names):
        changed(model_folder, tmp_path / name, seed)
    return tmp_path


def merge(method: str, models: Path, monkeypatch, out: str = "out") -> Path:
    """Run the step with a shipped configuration, or with one in `models`."""
    monkeypatch.chdir(models)
    own = models / "experiments/merge/params.yaml"
    own.write_text("merge: {seed: 1, steps: 2, decay: 0.9}\n")
    file = METHODS / f"{method}.yaml"
    config = file if file.exists() else models / f"{method}.yaml"
    monkeypatch.setattr("sys.argv", ["apply", "--config", str(config), "--out", out])
    apply.main()
    return models / out


SHIPPED = sorted(file.stem for file in METHODS.glob("*.yaml"))


@pytest.mark.parametrize("method", [name for name in SHIPPED if name != "warp"])
def test_every_shipped_method_merges_to_the_same_bytes(method, models, monkeypatch):
    import torch

    first = merge(method, models, monkeypatch, "first")
    torch.set_num_threads(2)
    second = merge(method, models, monkeypatch, "second")
    files = sorted(file.name for file in first.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(files)
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    merged = weights(first)
    for model in ("models/base", "models/tir", "experiments/kto/model"):
        same = [
            name for name, weight in weights(models / model).items() if weight.equal(merged[name])
        ]
        assert same == []
    assert sorted(path.name for path in models.iterdir() if path.name.startswith(".")) == []


def test_the_seed_chooses_what_dare_drops(models, monkeypatch):
    config = apply.read(METHODS / "dare.yaml")
    monkeypatch.chdir(models)
    found = []
    for seed in (1, 2):
        folder = models / f"seed_{seed}"
        folder.mkdir()
        apply.merge(METHODS / "dare.yaml", config, folder, seed)
        found.append((folder / "model.safetensors").read_bytes())
    assert found[0] != found[1]


def test_warp_is_the_papers_formula(models, monkeypatch):
    """The task vectors by SLERP, a tensor at a time, then half of the way back."""
    import torch

    merge("warp_sphere", models, monkeypatch, "experiments/merge/models/warp_sphere")
    merged = weights(merge("warp", models, monkeypatch))
    start = weights(models / "models/tir")
    policies = [weights(models / f"experiments/merge/policies/{run}") for run in (1, 2)]
    for name, tensor in merged.items():
        one, other = ((policy[name] - start[name]).double() for policy in policies)
        cosine = (one * other).sum() / (one.norm() * other.norm())
        angle = torch.acos(cosine)
        sphere = (torch.sin(angle / 2) / torch.sin(angle)) * (one + other)
        expected = start[name] + 0.5 * sphere
        assert torch.allclose(tensor.double(), expected, atol=1e-6), name


def edited(folder: Path, name: str, **changes) -> None:
    """Change fields of a JSON file of a model."""
    file = folder / name
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def other_shape(model: Path) -> None:
    from safetensors.torch import save_file

    found = weights(model)
    found["model.layers.0.mlp.up_proj.weight"] = found["model.layers.0.mlp.up_proj.weight"][
        :96
    ].clone()
    save_file(found, model / "model.safetensors")


def other_tensors(model: Path) -> None:
    from safetensors.torch import save_file

    found = weights(model)
    del found["model.norm.weight"]
    save_file(found, model / "model.safetensors")


def integers(model: Path) -> None:
    from safetensors.torch import save_file

    found = {name: weight.int() for name, weight in weights(model).items()}
    save_file(found, model / "model.safetensors")


def other_vocabulary(model: Path) -> None:
    file = json.loads((model / "tokenizer.json").read_text())
    vocab = file["model"]["vocab"]
    first, last = min(vocab, key=vocab.get), max(vocab, key=vocab.get)
    vocab[first], vocab[last] = vocab[last], vocab[first]
    edited(model, "tokenizer.json", model=file["model"])


def fewer_tokens(model: Path) -> None:
    file = json.loads((model / "tokenizer.json").read_text())
    vocab, last = file["model"]["vocab"], max(file["model"]["vocab"].values())
    file["model"]["vocab"] = {token: place for token, place in vocab.items() if place < last}
    edited(model, "tokenizer.json", model=file["model"])


def no_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").rename(model / "vocab.json")


def not_finite(model: Path) -> None:
    from safetensors.torch import save_file

    found = weights(model)
    found["model.norm.weight"][3] = float("nan")
    save_file(found, model / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (other_shape, ["mlp.up_proj.weight", "[128, 64]", "[96, 64]", "models/tir", "kto/model"]),
        (other_tensors, ["model.norm.weight", "[64]", "does not have it"]),
        (integers, ["I32", "quantised"]),
        (lambda m: edited(m, "config.json", num_attention_heads=4), ["num_attention_heads", "4"]),
        (lambda m: edited(m, "config.json", model_type="mistral"), ["model_type", "'mistral'"]),
        (other_vocabulary, ["tokenizers differ", "model of tokenizer.json"]),
        (fewer_tokens, ["tokenizers differ", "347 tokens and 346 tokens"]),
        (no_tokenizer, ["tokenizers differ", "missing"]),
        (not_finite, ["model.norm.weight", "not finite", "slerp.yaml"]),
        (lambda m: (m / "model.safetensors").unlink(), ["experiments/kto/model", "no weights"]),
        (shutil.rmtree, ["experiments/kto/model", "not found"]),
    ],
)
def test_models_that_do_not_fit_are_refused_and_nothing_is_written(
    spoil, words, models, monkeypatch
):
    spoil(models / "experiments/kto/model")
    before = sorted(models.rglob("*"))
    with pytest.raises(UserError) as refused:
        merge("slerp", models, monkeypatch)
    for word in words:
        assert word in str(refused.value), refused.value
    assert sorted(set(models.rglob("*")) - {models / "experiments/merge/params.yaml"}) == before


def test_what_a_training_leaves_in_a_tokenizer_is_no_difference(models):
    edited(models / "models/tir", "tokenizer.json", truncation={"max_length": 9}, padding=None)
    check_alike([models / "models/base", models / "models/tir"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"merge_method": "blend"}, ["odd.yaml", "blend"]),
        ({"base_modle": "models/tir"}, ["odd.yaml", "unknown key 'base_modle'"]),
        ({"models": None}, ["odd.yaml"]),
        ({"dtype": "float3"}, ["odd.yaml", "float3"]),
        ({"parameters": {"t": "half"}}, ["odd.yaml", "half"]),
        ({"parameters": {"t": None}}, ["odd.yaml"]),
    ],
)
def test_a_wrong_configuration_is_named(change, words, models, monkeypatch):
    config = yaml.safe_load((METHODS / "slerp.yaml").read_text())
    (models / "odd.yaml").write_text(yaml.safe_dump({**config, **change}))
    with pytest.raises(UserError) as refused:
        merge("odd", models, monkeypatch)
    for word in words:
        assert word in str(refused.value), refused.value
    assert not (models / "out").exists()


def train(model: Path, folder: Path, out: str, run: int = 1, mine: Merge = MINE) -> dict:
    rows = folder / "rows.jsonl"
    write_rows(rows, ROWS)
    params = WHOLE.sft_tir.model_copy(update={"seed": average.seed_of(str(run), 42)})
    template = TEMPLATES["boundary"]
    average.train(model, rows, folder / out, params, WHOLE.hardware, template, mine)
    return weights(folder / out)


def test_the_average_is_that_of_the_weights_after_each_step(model_folder, tmp_path, monkeypatch):
    import torch
    from transformers import TrainerCallback

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = [weights(model_folder)]

    class Note(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **_):
            named = model.named_parameters()
            seen.append({name: weight.detach().clone() for name, weight in named})

    make = average.make_trainer

    def noted(*given):
        trainer = make(*given)
        trainer.add_callback(Note())
        return trainer

    monkeypatch.setattr(average, "make_trainer", noted)
    found = train(model_folder, tmp_path, "one")
    assert len(seen) == 1 + MINE.steps
    for name, weight in found.items():
        expected = seen[0][name]
        for step in seen[1:]:
            expected = MINE.decay * expected + (1 - MINE.decay) * step[name]
        assert torch.allclose(weight, expected, atol=1e-6), name
        assert not weight.equal(seen[0][name]), name
    assert list((tmp_path / "cache").rglob("checkpoint-*")) == []
    assert (tmp_path / "one" / "tokenizer.json").exists()
    other = train(model_folder, tmp_path, "two", run=2)
    assert any(not other[name].equal(found[name]) for name in found)


@pytest.mark.parametrize("lost", [False, True])
def test_a_killed_training_goes_on_with_its_average(lost, model_folder, tmp_path, monkeypatch):
    """Killed at step 3: the checkpoint of step 2 is taken, unless the average was not written."""
    import torch
    from transformers import TrainerCallback

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    whole = train(model_folder, tmp_path, "whole")
    steps = []

    class Kill(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            steps.append(state.global_step)
            if steps == [1, 2, 3]:
                raise KeyboardInterrupt

    make = average.make_trainer

    def killed(*given):
        trainer = make(*given)
        trainer.add_callback(Kill())
        return trainer

    monkeypatch.setattr(average, "make_trainer", killed)
    with pytest.raises(KeyboardInterrupt):
        train(model_folder, tmp_path, "killed")
    assert not (tmp_path / "killed").exists()
    [kept] = (tmp_path / "cache").rglob("average.pt")
    if lost:
        kept.unlink()
    found = train(model_folder, tmp_path, "killed")
    assert steps == [1, 2, 3, *range(1 if lost else 3, 1 + MINE.steps)]
    assert all(torch.allclose(found[name], whole[name], atol=1e-6) for name in whole)


def test_a_run_that_is_not_a_number_is_refused():
    with pytest.raises(UserError, match="--run: 'one' is not a whole number"):
        average.seed_of("one", 42)
