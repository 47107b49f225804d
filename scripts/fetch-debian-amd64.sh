#!/usr/bin/env bash
# Fetches Debian's unmodified amd64 kernel and static busybox into .cache/debian-amd64/ and builds an initramfs around them:
#   vmlinuz            the kernel that linux-image-amd64 depends on today (a bzImage)
#   vmlinux            the same unpacked: an ELF file with PVH's entry point
#   config             its build configuration
#   modules/           its virtio modules
#   busybox            busybox-static for amd64
#   initramfs.cpio.gz  whose /init runs programs, prints VMEXIT-BOOT-OK and powers off
#   packages.txt       which packages these came from
# Nothing is installed and the system's own package lists stay as they are: apt gets a private state folder.
# Fast when cached; --refresh fetches again.
set -euo pipefail

project="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="$project/.cache/debian-amd64"
apt_state="$cache/apt"

fail() {
  echo "fetch-debian-amd64: $*" >&2
  exit 1
}

apt_amd64() {
  local tool="$1"
  shift
  "$tool" -qq \
    -o Dir::State::Lists="$apt_state/lists" -o Dir::State::status="$apt_state/status" \
    -o Dir::Cache="$apt_state/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= \
    -o APT::Architecture=amd64 -o APT::Architectures=amd64 "$@"
}

fetch_package() {
  (cd "$apt_state/download" && apt_amd64 apt-get download "$1" >/dev/null) ||
    fail "apt-get could not download $1 for amd64; is a Debian mirror reachable?"
}

fetch() {
  for tool in apt-get apt-cache dpkg-deb tar; do
    command -v "$tool" >/dev/null || fail "needs $tool (this script works on Debian and its like)"
  done
  rm -rf "$apt_state"
  mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial" "$apt_state/download"
  : >"$apt_state/status"
  apt_amd64 apt-get update >"$apt_state/update.log" 2>&1 ||
    fail "apt-get update for amd64 failed: $(tail -n 1 "$apt_state/update.log")"

  local image
  image="$(apt_amd64 apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)"
  [ -n "$image" ] || fail "linux-image-amd64 is not in the package lists (apt sources without Debian main?)"
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
  local output="$cache/initramfs.cpio.gz" newest
  newest="$(find "$project/scripts" "$cache/busybox" -name '*.ts' -newer "$output" -print -quit 2>/dev/null || echo missing)"
  if [ -e "$output" ] && [ -z "$newest" ] && [ ! "$cache/busybox" -nt "$output" ]; then return; fi
  (cd "$project" && npx --no-install tsc -p scripts/tsconfig.json) >&2 ||
    fail "the initramfs builder does not compile (npm ci first)"
  node "$project/.cache/scripts/buildAmd64Initramfs.js" "$cache/busybox" "$output" || fail "the initramfs could not be built"
}

mkdir -p "$cache"
if [ "${1:-}" = --refresh ]; then rm -f "$cache/vmlinuz"; fi
[ -e "$cache/vmlinuz" ] || fetch
unpack_kernel
build_initramfs
echo "fetch-debian-amd64: $cache is ready ($(tr '\n' ' ' <"$cache/packages.txt"))"
