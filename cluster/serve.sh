#!/usr/bin/env bash
# Serve a model by vLLM on this machine until it is stopped: bash cluster/serve.sh MODEL [HOST [PORT]]
# MODEL is a folder, at the same path on every machine; HOST an address of this machine that the others
# reach it at. ARGUMENTS are further ones for the server; VLLM is the Python that has vLLM.
set -euo pipefail
model=$1 host=${2:-0.0.0.0} port=${3:-8000}
# shellcheck disable=SC2086  # words
exec "${VLLM:-python}" -m vllm.entrypoints.openai.api_server --model "$model" \
  --host "$host" --port "$port" ${ARGUMENTS:-}
