#!/usr/bin/env bash
# Wait until every server answers, or fail after LIMIT_S seconds: bash cluster/wait.sh URL...
set -euo pipefail
end=$((SECONDS + ${LIMIT_S:-900}))
for url in "$@"; do
  until curl -sf --noproxy '*' -m 5 "$url/models" >/dev/null; do
    if ((SECONDS > end)); then
      echo "$url does not answer" >&2
      exit 1
    fi
    sleep 2
  done
done
