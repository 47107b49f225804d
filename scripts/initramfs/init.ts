import { createHash } from "node:crypto";

/** The line that the guest's /init prints when every check passed. */
export const BOOT_OK_MARKER = "VMEXIT-BOOT-OK";

/** The line that it prints before the marker's place when a check failed. */
export const BOOT_FAILED_MARKER = "VMEXIT-BOOT-FAILED";

/** A fixed 256 KiB file for the guest to hash: xorshift32 from seed 1, little-endian words. */
export function fixedFile(): Uint8Array {
  const bytes = new Uint8Array(256 * 1024);
  const view = new DataView(bytes.buffer);
  let state = 1;
  for (let at = 0; at < bytes.length; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    view.setUint32(at, state >>> 0, true);
  }
  return bytes;
}

/** Thirty fixed words in a fixed disorder, one a line, for `sort`. */
export function fixedWords(): string {
  return Array.from({ length: 30 }, (_, n) => `word-${String((n * 17) % 30).padStart(2, "0")}\n`).join("");
}

const digest = (algorithm: string, content: Uint8Array | string): string =>
  createHash(algorithm).update(content).digest("hex");

/**
 * The shell script that the guest runs as its first process: it mounts, runs programs, checks their output, powers off.
 * @param debugChecks defines `debug_checks`, which runs when the kernel's command line says `vmexit.debug`.
 */
export function initScript(debugChecks = "debug_checks() { :; }\n"): string {
  const file = fixedFile();
  const sorted = fixedWords()
    .split("\n")
    .filter(Boolean)
    .sort()
    .map((word) => `${word}\n`)
    .join("");
  let sum = 0;
  for (let n = 1; n <= 2000; n++) sum += (n * n) % 7;
  let harmonic = 0;
  for (let n = 1; n <= 5000; n++) harmonic += 1 / n;
  return `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
failed=0
check() {
  if [ "$2" = "$3" ]; then echo "check $1: ok"; else echo "check $1: FAILED: got '$2', expected '$3'"; failed=1; fi
}
${debugChecks}echo "vmexit: /init runs"
uname -a
cat /proc/cpuinfo
cat /proc/cmdline
check sha256sum "$(sha256sum < /fixed.bin | cut -d' ' -f1)" ${digest("sha256", file)}
check md5sum "$(md5sum < /fixed.bin | cut -d' ' -f1)" ${digest("md5", file)}
check sort "$(sort /words.txt | sha256sum | cut -d' ' -f1)" ${digest("sha256", sorted)}
check awk-integer "$(awk 'BEGIN { for (n = 1; n <= 2000; n++) sum += (n * n) % 7; print sum }')" ${sum}
check awk-double "$(awk 'BEGIN { for (n = 1; n <= 5000; n++) sum += 1 / n; printf "%.12f", sum * sum / 3 - 0.1 }')" ${(
    (harmonic * harmonic) / 3 - 0.1
  ).toFixed(12)}
dd if=/dev/zero of=/tmp/zeros bs=4096 count=256 2>/dev/null
check dd "$(wc -c < /tmp/zeros | tr -d ' ')" ${4096 * 256}
check gzip "$(gzip -c /fixed.bin | gunzip -c | sha256sum | cut -d' ' -f1)" ${digest("sha256", file)}
check pipes "$(seq 1 1000 | grep 7 | sed 's/7/x/g' | tr -d '\\n' | wc -c | tr -d ' ')" ${
    Array.from({ length: 1000 }, (_, n) => String(n + 1))
      .filter((text) => text.includes("7"))
      .join("").length
  }
( sleep 1; echo child > /tmp/child ) &
wait
check fork-and-sleep "$(cat /tmp/child)" child
for argument in $(cat /proc/cmdline); do
  if [ "$argument" = vmexit.debug ]; then debug_checks; fi
  if [ "$argument" = vmexit.shell ]; then
    echo "vmexit: shell; 'poweroff -f' ends it"
    setsid cttyhack sh
  fi
done
if [ $failed = 0 ]; then echo ${BOOT_OK_MARKER}; else echo ${BOOT_FAILED_MARKER}; fi
sync
poweroff -f
`;
}
