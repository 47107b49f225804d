#!/usr/bin/env bash
# Fetches Debian's unmodified arm64 kernel and static busybox into .cache/debian-arm64/ and builds an initramfs around them:
#   vmlinuz            the kernel that linux-image-arm64 depends on today (an arm64 Image)
#   config             its build configuration
#   modules/           its virtio modules
#   busybox            busybox-static for arm64
#   initramfs.cpio.gz  whose /init runs programs, prints VMEXIT-BOOT-OK and powers off
#   packages.txt       which packages these came from
# Nothing is installed and the system's own package lists stay as they are: apt gets a private state folder.
# Fast when cached; --refresh fetches again.
set -euo pipefail

project="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="$project/.cache/debian-arm64"
apt_state="$cache/apt"

fail() {
  echo "fetch-debian-arm64: $*" >&2
  exit 1
}

apt_arm64() {
  local tool="$1"
  shift
  "$tool" -qq \
    -o Dir::State::Lists="$apt_state/lists" -o Dir::State::status="$apt_state/status" \
    -o Dir::Cache="$apt_state/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= \
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 "$@"
}

fetch_package() {
  (cd "$apt_state/download" && apt_arm64 apt-get download "$1" >/dev/null) ||
    fail "apt-get could not download $1 for arm64; is a Debian mirror reachable?"
}

fetch() {
  for tool in apt-get apt-cache dpkg-deb tar; do
    command -v "$tool" >/dev/null || fail "needs $tool (this script works on Debian and its like)"
  done
  rm -rf "$apt_state"
  mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial" "$apt_state/download"
  : >"$apt_state/status"
  apt_arm64 apt-get update >"$apt_state/update.log" 2>&1 ||
    fail "apt-get update for arm64 failed: $(tail -n 1 "$apt_state/update.log")"

  local image
  image="$(apt_arm64 apt-cache depends linux-image-arm64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)"
  [ -n "$image" ] || fail "linux-image-arm64 is not in the package lists (apt sources without Debian main?)"
  fetch_package "$image"
  fetch_package busybox-static

  local unpacked="$apt_state/unpacked"
  mkdir -p "$unpacked"
  dpkg-deb --fsys-tarfile "$apt_state"/download/linux-image-*.deb |
    tar -x -C "$unpacked" --wildcards './boot/vmlinuz-*' './boot/config-*' \
      '*/kernel/drivers/virtio/*' '*/kernel/drivers/block/virtio_blk.ko*' '*/kernel/drivers/net/virtio_net.ko*' \
      '*/kernel/drivers/net/net_failover.ko*' '*/kernel/net/core/failover.ko*' ||
    fail "the kernel package has not the files expected"
  dpkg-deb --fsys-tarfile "$apt_state"/download/busybox-static*.deb |
    tar -x -C "$unpacked" --wildcards '*bin/busybox' || fail "the busybox package has no bin/busybox"

  rm -rf "$cache/modules"
  mkdir -p "$cache/modules"
  find "$unpacked" -name '*.ko*' -exec cp {} "$cache/modules/" \;
  cp "$unpacked"/boot/config-* "$cache/config"
  (cd "$apt_state/download" && ls -- *.deb) >"$cache/packages.txt"
  find "$unpacked" -path '*bin/busybox' -exec cp {} "$cache/busybox" \;
  # Last, as its presence means that the rest is there.
  cp "$unpacked"/boot/vmlinuz-* "$cache/vmlinuz.part"
  mv "$cache/vmlinuz.part" "$cache/vmlinuz"
  rm -rf "$apt_state"
}

build_initramfs() {
  local output="$cache/initramfs.cpio.gz" newest
  newest="$(find "$project/scripts" "$project/guests/linux-arm64" \( -name '*.ts' -o -name '*.elf' -o -name '*.ko' \) \
    -newer "$output" -print -quit 2>/dev/null || echo missing)"
  if [ -e "$output" ] && [ -z "$newest" ] && [ ! "$cache/busybox" -nt "$output" ]; then return; fi
  (cd "$project" && npx --no-install tsc -p scripts/tsconfig.json) >&2 ||
    fail "the initramfs builder does not compile (npm ci first)"
  node "$project/.cache/scripts/buildInitramfs.js" "$cache/busybox" "$cache/modules/failover.ko" \
    "$project/guests/linux-arm64" "$output" || fail "the initramfs could not be built"
}

mkdir -p "$cache"
if [ "${1:-}" = --refresh ]; then rm -f "$cache/vmlinuz"; fi
[ -e "$cache/vmlinuz" ] || fetch
build_initramfs
echo "fetch-debian-arm64: $cache is ready ($(tr '\n' ' ' <"$cache/packages.txt"))"
