"""Train the stage-2 model by PPO on its own samples, whose programs are run.

    python -m experiments.stage ppo experiments.ppo.train --model models/tir \
        --data data/clean/problems --out experiments/ppo/model \
        --rewards experiments/ppo/rewards.csv --counts experiments/ppo/counts.json

It needs TorchRL: pip install -e '.[ppo]'. A killed run goes on from the last round that it
finished.
"""

from importlib.util import find_spec

from experiments.ppo.settings import Ppo
from experiments.rloo.curve import counts, reward_table
from experiments.rloo.learn import Updates, learn
from experiments.settings import own
from numina import entry, settings
from numina.errors import UserError
from numina.rows import write_json, write_text

SECTIONS = ("sctir", "engine", "sandbox", "template", "hardware")
CURVES = {"critic": "ppo/critic", "clipped": "ppo/clip_fraction", "kl": "ppo/kl_approx"}


def main() -> str:
    args = entry.paths(__doc__, "model", "data", "out", "rewards", "counts")
    params, knobs = settings.load(*SECTIONS), own("ppo", Ppo)
    settings.check_fits(args.model)
    if find_spec("torchrl") is None:
        raise UserError("PPO needs torchrl, which is not installed: pip install -e '.[ppo]'")
    from experiments.ppo.trainer import PpoTrainer

    updates = Updates(knobs.epochs, knobs.minibatches, {"loss_type": "dr_grpo"})
    log = learn(params, knobs, updates, PpoTrainer, args.model, args.data, args.out)
    found = counts(log)
    write_text(args.rewards, reward_table(log, CURVES))
    write_json(args.counts, found)
    return f"{args.out}: learned from {found['problems']} problems in {found['rounds']} rounds"


if __name__ == "__main__":
    entry.run(main)
