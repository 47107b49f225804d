#!/usr/bin/env bash
# Fetches Debian's unmodified amd64 kernel and static busybox into .cache/debian-amd64/ and builds an initramfs around them:
#   vmlinuz            the kernel that linux-image-amd64 depends on today (a bzImage)
#   vmlinux            the same unpacked: an ELF file with PVH's entry point
#   config             its build configuration
#   modules/           its virtio modules
#   busybox            busybox-static for amd64
#   initramfs.cpio.gz  whose /init runs programs, prints VMEXIT-BOOT-OK and powers off
#   packages.txt       which packages these came from
# How, and what an argument does: scripts/debianKernel.sh. Fast when cached; --refresh fetches again.
set -euo pipefail

architecture=amd64
source "$(dirname "${BASH_SOURCE[0]}")/debianKernel.sh"

# The kernel as it is unpacked: a KVM without hardware help would unpack it for hours. Where it is: boot.rst, payload_offset.
unpack_kernel() {
  local vmlinuz="$cache/vmlinuz" output="$cache/vmlinux" sectors offset length
  if [ -e "$output" ] && [ ! "$vmlinuz" -nt "$output" ]; then return; fi
  command -v xz >/dev/null || fail "needs xz (Debian: apt-get install xz-utils)"
  number() { od -An -t "u$2" -j "$1" -N "$2" "$vmlinuz" | tr -d ' '; }
  sectors="$(number 0x1f1 1)"
  offset="$(((sectors + 1) * 512 + $(number 0x248 4)))"
  length="$(number 0x24c 4)"
  dd if="$vmlinuz" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$length" status=none |
    xz -dc --single-stream >"$output.part" ||
    fail "the kernel is not packed with xz"
  mv "$output.part" "$output"
}

build_initramfs() {
  local output="$cache/initramfs.cpio.gz"
  [ -n "$(initramfs_changes "$project/scripts" -name '*.ts')" ] || return 0
  compile_initramfs_builders
  node "$project/.cache/scripts/buildAmd64Initramfs.js" "$cache/busybox" "$output" || fail "the initramfs could not be built"
}

unpack_kernel
build_initramfs
say_ready
