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

# One file has pip's settings, those of the environment first; the folders that they name are mounted. A
# certificate comes to a place of its own, as Debian's package writes where it is here.
settings=$(python3 -m pip config list | sed -E "s/^(:env:|global)\.//; s/='(.*)'$/ = \1/" | awk -F ' = ' '!seen[$1]++')
certificate=$(sed -n 's/^cert = //p' <<<"$settings")
{ echo '[global]'; sed 's,^cert = .*,cert = /pip.crt,' <<<"$settings"; } >"$work/pip.conf"
pip=(--volume "$work/pip.conf:/etc/pip.conf:ro")
[ -z "$certificate" ] || pip+=(--volume "$certificate:/pip.crt:ro")
for place in $(grep -oE '/[^/ :][^ :]*' "$work/pip.conf" | sed 's,/simple$,,' | sort -u); do  # an index is beside its files
  [ ! -e "$place" ] || pip+=(--volume "$place:$place:ro")
done
git clone -q . "$work/numina"
buildah "${store[@]}" bud --quiet --pull-never "${pip[@]}" -f Containerfile -t numina "$work/numina" >/dev/null
container=$(buildah "${store[@]}" from --pull-never numina)
buildah "${store[@]}" run "$container" -- numina --version
echo 'print(sum(range(10)))' | buildah "${store[@]}" run "$container" -- numina exec | tee "$work/said"
grep -q '45' "$work/said"
