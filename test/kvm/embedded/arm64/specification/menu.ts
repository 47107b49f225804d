import { type Instruction, instructions as i, registers } from "./instructions.ts";

/** Guest-physical addresses of the model test's machine; the MMU is off. */
export const at = {
  vectors: 0x4000_0000n,
  code: 0x4001_0000n,
  data: 0x4002_0000n,
  device: 0x0900_0000n,
} as const;

/** Instructions in a program before it starts over. */
export const programLength = 24;

/** What the registers hold that no program changes: addresses and values for control registers. */
export const constants: ReadonlyMap<number, bigint> = new Map([
  [4, 0x1n],
  [5, 0x8000n],
  [6, 0xa001n],
  [7, 0x2001n],
  [8, 0xa000n],
  // EL0 with and without SS; EL1h with D, A, I and F clear or set, with SS; AArch32.
  [9, 0x20_0000n],
  [10, 0x20_0005n],
  [11, 0x20_03c5n],
  [12, 0x0n],
  [13, 0x20_0010n],
  [14, at.data],
  [15, at.device],
  [16, at.code + 0x14n],
  [17, at.code + 0x28n],
  // Breakpoint at EL0 and EL1; at EL0; linked to 4; the context breakpoint itself.
  [18, 0x1e7n],
  [19, 0x1e5n],
  [20, 0x14_01e7n],
  [21, 0x30_0007n],
  // Watchpoint on all bytes, loads and stores; on bytes 2 and 3, stores, EL0; linked to 4.
  [22, 0x1fffn],
  [23, 0x19n | (0xcn << 5n) | 4n],
  [24, 0x1fffn | (0x14n << 16n)],
  [25, 0x55n],
  [26, at.code + 0x2n],
  [27, 0x1000n],
]);

const controls: readonly [string, readonly number[]][] = [
  ["MDSCR_EL1", [4, 5, 6, 7, 8, 31]],
  ["DBGBVR0_EL1", [16, 17]],
  ["DBGBVR1_EL1", [16, 17]],
  ["DBGBCR0_EL1", [18, 19, 20, 31]],
  ["DBGBCR1_EL1", [18, 20, 31]],
  ["DBGBVR4_EL1", [25]],
  ["DBGBCR4_EL1", [21, 31]],
  ["DBGWVR0_EL1", [14, 15]],
  ["DBGWVR1_EL1", [14]],
  ["DBGWCR0_EL1", [22, 23, 24, 31]],
  ["DBGWCR1_EL1", [22, 31]],
  ["CONTEXTIDR_EL1", [25, 31]],
  ["OSLAR_EL1", [4, 31]],
  ["OSDLR_EL1", [4, 31]],
  ["SPSR_EL1", [9, 10, 11, 12, 13]],
  ["ELR_EL1", [16, 17, 26, 27]],
];

const writes: readonly Instruction[] = controls.flatMap(([name, values]) =>
  values.map((x) => i.write(name, x)),
);
const reads: readonly Instruction[] = Object.entries(registers)
  .filter(([, register]) => register.read !== undefined)
  .map(([name]) => i.read(1, name));

/** Everything that programs are made of; the more often it stands here the likelier it is. */
export const menu: readonly Instruction[] = [
  ...Array.from({ length: 6 }, () => i.nop()),
  ...[28, 29, 30].map((n) => i.add(n)),
  i.branch(2),
  i.branch(0),
  i.branch(-2),
  ...Array.from({ length: 3 }, () => i.svc()),
  ...Array.from({ length: 3 }, () => i.brk()),
  i.udf(),
  ...Array.from({ length: 6 }, () => i.eret()),
  i.hvc(),
  i.wfi(),
  i.wfe(),
  ...Array.from({ length: 4 }, () => i.load(1, 14)),
  ...Array.from({ length: 4 }, () => i.store(28, 14)),
  i.load(1, 15),
  i.store(28, 15),
  i.loadUnprivileged(1, 14),
  i.loadUnprivileged(1, 15),
  i.loadExclusive(1, 14),
  i.storeExclusive(2, 28, 14),
  i.maskDebug(),
  i.unmask(8),
  i.unmask(8),
  i.unmask(15),
  ...writes,
  ...writes.filter(({ text }) => /MDSCR|SPSR|DBG[BW]CR0/.test(text)),
  ...reads,
];

/** What handlers are mostly made of. */
export const handlerMenu: readonly (readonly Instruction[])[] = [
  [],
  [i.read(2, "ELR_EL1"), i.skip(2), i.write("ELR_EL1", 2)],
  [i.read(2, "ELR_EL1"), i.skip(2), i.write("ELR_EL1", 2), i.write("MDSCR_EL1", 31)],
  [i.write("SPSR_EL1", 9)],
  [i.write("SPSR_EL1", 10)],
  [i.write("SPSR_EL1", 11), i.write("ELR_EL1", 17)],
  [i.write("MDSCR_EL1", 7), i.write("SPSR_EL1", 9), i.unmask(8)],
  [i.write("DBGBCR0_EL1", 31), i.write("DBGWCR0_EL1", 31)],
  [i.unmask(8), i.nop(), i.nop()],
];
