import { fileOffsetOf } from "./elf.ts";

/** What the checks of the kernel's debug hardware need in the initramfs. */
export type DebugPrograms = {
  /** `guests/linux-arm64/ptrace`, as /ptrace. */
  readonly ptrace: Uint8Array;
  /** `guests/linux-arm64/traps` for this kernel, as /traps.ko. */
  readonly traps: Uint8Array;
};

/** How often each probe is to be hit. */
const times = 7;

/**
 * The part of /init that is run with `vmexit.debug` on the kernel's command line: kprobes and uprobes (BRK, and single-step of
 * user code), a program that traces its child through watchpoints, breakpoints and single-step, and a module that runs into a
 * WARN and a BUG (BRK). It uses `check name got expected` of the rest of the script.
 */
export function debugChecks({ ptrace }: DebugPrograms): string {
  const probed = fileOffsetOf(ptrace, "probed");
  const uprobe = (name: string, offset: number): string =>
    `echo 'p:vmexit_${name} /ptrace:0x${(probed + offset).toString(16)}'`;
  const kprobe = (kind: string, name: string, offset: string): string =>
    `echo '${kind}:vmexit_${name} __arm64_sys_sethostname${offset}'`;
  const hits = (kind: string, name: string, column: number): string =>
    `check ${kind}-${name} "$(awk '$${column} == "vmexit_${name}" { print $${column + 1} }' $tracing/${kind}_profile)" ${times}`;
  return `debug_checks() {
  tracing=/sys/kernel/tracing
  mount -t tracefs tracefs $tracing
  /ptrace
  check ptrace $? 0
  ${kprobe("p", "entry", "")} > $tracing/kprobe_events
  ${kprobe("p", "inside", "+8")} >> $tracing/kprobe_events
  ${kprobe("r", "return", "")} >> $tracing/kprobe_events
  echo 1 > $tracing/events/kprobes/enable
  for n in $(seq 1 ${times}); do hostname vmexit-$n; done
  check hostname "$(hostname)" vmexit-${times}
  ${hits("kprobe", "entry", 1)}
  ${hits("kprobe", "inside", 1)}
  ${hits("kprobe", "return", 1)}
  echo 0 > $tracing/events/kprobes/enable
  ${uprobe("add", 0)} > $tracing/uprobe_events
  ${uprobe("adr", 4)} >> $tracing/uprobe_events
  ${uprobe("cbz", 8)} >> $tracing/uprobe_events
  ${uprobe("sub", 12)} >> $tracing/uprobe_events
  echo 1 > $tracing/events/uprobes/enable
  /ptrace ${"x".repeat(times)}
  check probed-program $? 0
  echo 0 > $tracing/events/uprobes/enable
  ${hits("uprobe", "add", 2)}
  ${hits("uprobe", "adr", 2)}
  ${hits("uprobe", "cbz", 2)}
  ${hits("uprobe", "sub", 2)}
  insmod /traps.ko
  check insmod-into-BUG $? 139
  check WARN "$(dmesg | grep -c 'WARNING: CPU.* at vmexit/traps.S:1001 ')" 1
  check BUG "$(dmesg | grep -c 'kernel BUG at vmexit/traps.S:1002!')" 1
  check BUG-syndrome "$(dmesg | grep -c 'Oops - BUG: 00000000f2000800 ')" 1
  echo "vmexit: debug checks done"
}
`;
}
