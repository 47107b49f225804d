# What the scripts that fetch Debian's kernels have in common: sourced by them with `architecture`, Debian's name of it, set.
# Nothing is installed and the system's own package lists stay as they are: apt gets a private state folder.
# Fast when cached; --refresh fetches again.

project="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="$project/.cache/debian-$architecture"
apt_state="$cache/apt"

fail() {
  echo "fetch-debian-$architecture: $*" >&2
  exit 1
}

apt_guest() {
  local tool="$1"
  shift
  "$tool" -qq \
    -o Dir::State::Lists="$apt_state/lists" -o Dir::State::status="$apt_state/status" \
    -o Dir::Cache="$apt_state/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= \
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" "$@"
}

fetch_package() {
  (cd "$apt_state/download" && apt_guest apt-get download "$1" >/dev/null) ||
    fail "apt-get could not download $1 for $architecture; is a Debian mirror reachable?"
}

fetch() {
  for tool in apt-get apt-cache dpkg-deb tar; do
    command -v "$tool" >/dev/null || fail "needs $tool (this script works on Debian and its like)"
  done
  rm -rf "$apt_state"
  mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial" "$apt_state/download"
  : >"$apt_state/status"
  apt_guest apt-get update >"$apt_state/update.log" 2>&1 ||
    fail "apt-get update for $architecture failed: $(tail -n 1 "$apt_state/update.log")"

  local image
  image="$(apt_guest apt-cache depends "linux-image-$architecture" | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)"
  [ -n "$image" ] || fail "linux-image-$architecture is not in the package lists (apt sources without Debian main?)"
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

# Prints something if the initramfs is to be built; takes the arguments by which `find` finds what it is made from, beside busybox.
initramfs_changes() {
  local output="$cache/initramfs.cpio.gz"
  if [ ! -e "$output" ] || [ "$cache/busybox" -nt "$output" ]; then
    echo missing
    return
  fi
  find "$@" -newer "$output" -print -quit 2>/dev/null || echo missing
}

say_ready() {
  echo "fetch-debian-$architecture: $cache is ready ($(tr '\n' ' ' <"$cache/packages.txt"))"
}

compile_initramfs_builders() {
  (cd "$project" && npx --no-install tsc -p scripts/tsconfig.json) >&2 ||
    fail "the initramfs builder does not compile (npm ci first)"
}

mkdir -p "$cache"
if [ "${1:-}" = --refresh ]; then rm -f "$cache/vmlinuz"; fi
[ -e "$cache/vmlinuz" ] || fetch
