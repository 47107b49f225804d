#!/usr/bin/env bash
# Fetches Debian's unmodified arm64 kernel and static busybox into .cache/debian-arm64/ and builds an initramfs around them:
#   vmlinuz            the kernel that linux-image-arm64 depends on today (an arm64 Image)
#   config             its build configuration
#   modules/           its virtio modules
#   busybox            busybox-static for arm64
#   initramfs.cpio.gz  whose /init runs programs, prints VMEXIT-BOOT-OK and powers off
#   packages.txt       which packages these came from
# How, and what an argument does: scripts/debianKernel.sh. Fast when cached; --refresh fetches again.
set -euo pipefail

architecture=arm64
source "$(dirname "${BASH_SOURCE[0]}")/debianKernel.sh"

build_initramfs() {
  local output="$cache/initramfs.cpio.gz"
  [ -n "$(initramfs_changes "$project/scripts" "$project/guests/linux-arm64" \
    \( -name '*.ts' -o -name '*.elf' -o -name '*.ko' \))" ] || return 0
  compile_initramfs_builders
  node "$project/.cache/scripts/buildInitramfs.js" "$cache/busybox" "$cache/modules/failover.ko" \
    "$project/guests/linux-arm64" "$output" || fail "the initramfs could not be built"
}

build_initramfs
say_ready
