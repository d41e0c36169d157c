#!/usr/bin/env bash
# Run the default pipeline scaled down, for real, in a fresh clone; prove that a second run has
# nothing to do; then run the experiments, and what the documentation shows of a finished run. Called by `make smoke`, with
# .venv on the PATH.
set -euo pipefail
export DVC_NO_ANALYTICS=1
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone -q . "$clone/numina"
cd "$clone/numina"
export PYTHONPATH=$PWD  # the clone's modules, not those that .venv was set up from
numina run smoke
dvc metrics show
second=$(dvc repro)
echo "$second"
grep -q "up to date" <<<"$second"
if grep -q "Running stage" <<<"$second"; then
  echo "the second run was not idle" >&2
  exit 1
fi
test -s reports/index.html
python -m experiments.smoke
python -m experiments.page
python -m tests.docs   # the commands of the documentation that look at a finished run
