#!/usr/bin/env bash
# Builds the x86-64 guests with clang and lld, in place or into another folder: debug/debug.elf (long mode) and modes/modes.bin (a
# boot sector: real, protected and long mode) with modes/modes.elf for its symbols. The same compiler gives the same bytes anywhere.
#   guests/x86-64/build.sh [DIR]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out="${1:-$PWD}"
mkdir -p "$out/debug" "$out/modes"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
clang --target=x86_64-none-elf -c debug/debug.S -o "$scratch/debug.o"
ld.lld --build-id=none -z max-page-size=4096 -Ttext=0x100000 "$scratch/debug.o" -o "$out/debug/debug.elf"
clang --target=i386-none-elf -c modes/modes.S -o "$scratch/modes.o"
ld.lld --build-id=none -m elf_i386 -Ttext=0x7c00 -e _start "$scratch/modes.o" -o "$out/modes/modes.elf"
llvm-objcopy -O binary "$out/modes/modes.elf" "$out/modes/modes.bin"
chmod 644 "$out"/debug/debug.elf "$out"/modes/modes.*
