"""Merge models with mergekit, as one of its configurations says.

    python -m experiments.stage merge experiments.merge.apply \
        --config experiments/merge/methods/ties.yaml --out experiments/merge/models/ties

Models that do not fit together are refused before anything is written. The same input gives the
same bytes. A killed merge starts over; it takes seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments.merge.alike import check_alike
from experiments.merge.settings import Merge
from experiments.settings import own
from numina import entry
from numina.errors import UserError
from numina.rows.whole import written_folder
from numina.settings.params import document


def main() -> str:
    args = entry.paths(__doc__, "config", "out")
    seed = own("merge", Merge).seed
    config = read(args.config)
    models = models_of(config)
    check_alike(models)
    with written_folder(args.out) as folder:
        merge(args.config, config, folder, seed)
    return f"{args.out}: {config.merge_method} of {', '.join(map(str, models))}"


def read(file: Path) -> Any:
    """A configuration of mergekit.

    Raises:
        UserError: mergekit is not installed, or the file is missing or wrong.
    """
    try:
        from mergekit.config import MergeConfiguration
    except ImportError:
        raise UserError("mergekit is not installed: pip install -e '.[merge]'") from None
    content = document(file)
    if not isinstance(content, dict):
        raise UserError(f"{file}: not a configuration of mergekit")
    # mergekit ignores keys that it does not know, also those with a slip.
    if unknown := sorted(set(content) - set(MergeConfiguration.model_fields)):
        raise UserError(f"{file}: unknown key {unknown[0]!r}")
    try:
        return MergeConfiguration.model_validate(content)
    except Exception as error:  # pydantic's, and RuntimeError of its validators
        raise UserError(f"{file}: {' '.join(str(error).split())[:300]}") from None


def models_of(config: Any) -> list[Path]:
    """The folders of the models that a configuration names, the base model first."""
    base = [config.base_model] if config.base_model else []
    names = [str(model) for model in config.referenced_models() if model not in base]
    return [Path(name) for name in [*map(str, base), *sorted(names)]]


def merge(file: Path, config: Any, folder: Path, seed: int) -> None:
    """Merge into an empty folder.

    Raises:
        UserError: mergekit refuses the configuration, or a merged weight is not finite.
    """
    import torch
    from mergekit.io.tasks import LoaderCache
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    # The order of sums, and so the last bit of a weight, depends on the number of threads.
    torch.set_num_threads(1)
    # mergekit's card would ask the hub whether it has a model of each folder's name.
    options = MergeOptions(random_seed=seed, write_model_card=False, quiet=True)
    LoaderCache().loaders.clear()  # of an earlier merge in this process, which had other files
    try:
        run_merge(config, str(folder), options)
    except Exception as error:  # each of its methods raises its own
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{file}: mergekit: {type(error).__name__}: {reason}") from error
    check_finite(file, folder)


def check_finite(file: Path, folder: Path) -> None:
    """Check what was merged.

    Raises:
        UserError: a weight is not finite.
    """
    from safetensors import safe_open

    for shard in sorted(folder.glob("*.safetensors")):
        shard.chmod(0o644)  # mergekit's are for their owner alone
        with safe_open(shard, framework="pt") as stored:
            for name in stored.keys():  # noqa: SIM118 (not a mapping)
                if not stored.get_tensor(name).isfinite().all():
                    raise UserError(f"{file}: the merge gives values in {name} that are not finite")


if __name__ == "__main__":
    entry.run(main)
