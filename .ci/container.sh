#!/usr/bin/env bash
# Build the container file and run a program in it. Its base image is made from Debian's packages, so no
# registry of images is needed; whatever pip is told on this machine holds inside, too.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v buildah >/dev/null && command -v debootstrap >/dev/null || {
  apt-get update -qq && apt-get install -qqy --no-install-recommends buildah debootstrap
} >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
store=(--root "$work/images" --runroot "$work/run")

debootstrap --variant=minbase bookworm "$work/debian" >/dev/null
base=$(buildah "${store[@]}" from scratch)
buildah "${store[@]}" add --quiet "$base" "$work/debian" / >/dev/null
buildah "${store[@]}" commit --quiet "$base" docker.io/library/debian:bookworm-slim >/dev/null
buildah "${store[@]}" rm "$base" >/dev/null
rm -rf "$work/debian"

pip=()
for place in $(python3 -m pip config list | grep -oE '/[^ '"'"':]+' | sort -u) /etc/pip.conf; do
  [ ! -e "$place" ] || pip+=(--volume "$place:$place:ro")
done
for name in $(compgen -e PIP_); do pip+=(--env "$name=${!name}"); done
git clone -q . "$work/numina"
buildah "${store[@]}" bud --quiet --pull-never "${pip[@]}" -f Containerfile -t numina "$work/numina" >/dev/null
container=$(buildah "${store[@]}" from --pull-never numina)
buildah "${store[@]}" run "$container" -- numina --version
echo 'print(sum(range(10)))' | buildah "${store[@]}" run "$container" -- numina exec | tee "$work/said"
grep -q '45' "$work/said"
