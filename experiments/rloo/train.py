"""Train the stage-2 model by RLOO on its own samples, whose programs are run.

    python -m experiments.stage rloo experiments.rloo.train --model models/tir \
        --data data/clean/problems --out experiments/rloo/model \
        --rewards experiments/rloo/rewards.csv --counts experiments/rloo/counts.json

A killed run goes on from the last round that it finished.
"""

from experiments.rloo.curve import counts, reward_table
from experiments.rloo.learn import Updates, learn
from experiments.rloo.settings import Rloo
from experiments.settings import own
from numina import entry, settings
from numina.rows import write_json, write_text

SECTIONS = ("sctir", "engine", "sandbox", "template", "hardware")
UPDATES = Updates(epochs=1, minibatches=1, options={"loss_type": "dr_grpo"})


def main() -> str:
    args = entry.paths(__doc__, "model", "data", "out", "rewards", "counts")
    params, knobs = settings.load(*SECTIONS), own("rloo", Rloo)
    settings.check_fits(args.model)
    from experiments.rloo.trainer import AgentTrainer

    log = learn(params, knobs, UPDATES, AgentTrainer, args.model, args.data, args.out)
    found = counts(log)
    write_text(args.rewards, reward_table(log))
    write_json(args.counts, found)
    skipped = found["all_right"] + found["all_wrong"]
    if not found["mixed"]:
        return f"{args.out}: nothing was learned: all {skipped} problems were skipped"
    return f"{args.out}: learned from {found['mixed']} problems; {skipped} skipped"


if __name__ == "__main__":
    entry.run(main)
