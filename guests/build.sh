#!/usr/bin/env bash
# Builds the guests: guests/<arch>/<name>/*.{c,S} with <arch>/common/ into <name>/<name>.elf (or into another folder, as
# <out>/<arch>/<name>.elf). The same compiler gives the same bytes anywhere. Needs clang and ld.lld.
#   guests/build.sh                      all guests, in place
#   guests/build.sh --out DIR            all guests, elsewhere
#   guests/build.sh arm64/demo …         some guests
# linux-arm64 has programs for a Linux kernel: an ELF file without a C library, or, of traps, a module (traps.ko).
# A folder's file `cflags` replaces the last compiler options (-mgeneral-regs-only, which keeps FP and SIMD out) for its own sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=""
if [ "${1:-}" = --out ]; then
  out="${2:?--out needs a folder}"
  mkdir -p "$out"
  out="$(cd "$out" && pwd)"
  shift 2
fi
for tool in clang ld.lld; do
  command -v "$tool" >/dev/null || { echo "build.sh: needs $tool (Debian: apt-get install clang lld)" >&2; exit 1; }
done

# -mstrict-align: with the MMU off all memory is Device, where unaligned accesses fault.
arm64_flags=(--target=aarch64-none-elf -std=c17 -O2 -g -gdwarf-4 -Wall -Wextra -Werror -Wno-main-return-type
  -ffreestanding -fno-builtin -nostdlib -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables
  -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls -mno-outline-atomics
  -mstrict-align -Iarm64/common
  -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=.)

linux_arm64_flags=(--target=aarch64-linux-gnu -std=c17 -O2 -Wall -Wextra -Werror -ffreestanding -fno-builtin -nostdlib -fno-pic
  -fno-stack-protector -fno-asynchronous-unwind-tables -mno-outline-atomics -mgeneral-regs-only
  -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=.)

# An ELF file of the sources in a folder; of a folder `traps` the object file is the kernel module.
build_linux_program() {
  local name="${1##*/}" target="$1/${1##*/}.elf" objects source list=()
  [ "$name" != traps ] || target="$1/traps.ko"
  [ -z "$out" ] || { mkdir -p "$out/linux-arm64"; target="$out/linux-arm64/${target##*/}"; }
  if [ "$name" = traps ]; then
    clang "${linux_arm64_flags[@]}" -c "$1/traps.S" -o "$target"
  else
    objects="$(mktemp -d)"
    for source in "$1"/*.S "$1"/*.c; do
      clang "${linux_arm64_flags[@]}" -c "$source" -o "$objects/${source##*/}.o"
      list+=("$objects/${source##*/}.o")
    done
    ld.lld -nostdlib -static --build-id=none -z max-page-size=4096 "${list[@]}" -o "$target"
    rm -rf "$objects"
  fi
  chmod 644 "$target"
}

build_guest() {
  local guest="${1%/}" arch name target flags=() own=(-mgeneral-regs-only)
  arch="${guest%%/*}"
  if [ "$arch" = linux-arm64 ]; then build_linux_program "$guest"; return; fi
  name="${guest##*/}"
  target="$guest/$name.elf"
  [ -z "$out" ] || { mkdir -p "$out/$arch"; target="$out/$arch/$name.elf"; }
  case "$arch" in
    arm64) flags=("${arm64_flags[@]}") ;;
    *) echo "build.sh: no build rules for $arch ($guest)" >&2; exit 1 ;;
  esac
  if [ -e "$guest/cflags" ]; then read -r -a own <"$guest/cflags"; fi

  local objects source object
  objects="$(mktemp -d)"
  local list=()
  for source in "$arch"/common/*.S "$arch"/common/*.c "$guest"/*.S "$guest"/*.c; do
    [ -e "$source" ] || continue
    object="$objects/$(echo "$source" | tr / -).o"
    case "$source" in
      *.S) clang "${flags[@]}" -c "$source" -o "$object" ;;
      "$arch"/common/*) clang "${flags[@]}" -mgeneral-regs-only -c "$source" -o "$object" ;;
      *) clang "${flags[@]}" "${own[@]}" -c "$source" -o "$object" ;;
    esac
    list+=("$object")
  done
  ld.lld -nostdlib -static --build-id=none -z max-page-size=4096 -T "$arch/common/guest.ld" "${list[@]}" -o "$target"
  chmod 644 "$target"
  rm -rf "$objects"
}

if [ $# -eq 0 ]; then
  # One is a boot sector: they have rules of their own.
  x86-64/build.sh "${out:+$out/x86-64}"
  for folder in */*/; do
    case "$folder" in */common/ | x86-64/*) ;; *) set -- "$@" "${folder%/}" ;; esac
  done
fi
for guest in "$@"; do
  [ -d "$guest" ] || { echo "build.sh: no guest $guest" >&2; exit 1; }
  build_guest "$guest"
done
