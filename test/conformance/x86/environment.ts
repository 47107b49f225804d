import { identityMap } from "../../../src/machine/boot/x86/pageTables.ts";
import type { GuestCode } from "./guest.ts";
import { codeAt } from "./guest.ts";
import type { Scenario } from "./scenario.ts";

/** Guest-physical addresses. RAM is the first MiB; everything up to 4 GiB is mapped onto itself in long mode. */
export const place = {
  stack: 0x8000n,
  kernelStack: 0x9000n,
  pageTables: 0x1_0000n,
  gdt: 0x2_0000n,
  idt: 0x2_1000n,
  tss: 0x2_2000n,
  ramBytes: 0x10_0000n,
} as const;

/** Selectors of the GDT; user ones with RPL 3. */
export const selector = {
  code: 0x08,
  data: 0x10,
  userData: 0x1b,
  userCode: 0x23,
  tss: 0x28,
  /** Of 32 bits. */
  code32: 0x38,
  userCode32: 0x43,
} as const;

/** Descriptors in the order SYSCALL and SYSRET want them (SDM volume 3, 3.4.5 and 5.8.8). */
const descriptors = [
  0n,
  0x00af_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00cf_f300_0000_ffffn,
  0x00af_fb00_0000_ffffn,
  // The 64-bit TSS, 0x67 bytes long; its base is below 16 MiB.
  0x0000_8b00_0000_0067n | (place.tss << 16n),
  0n,
  0x00cf_9b00_0000_ffffn,
  0x00cf_fb00_0000_ffffn,
];
export const gdtLimit = descriptors.length * 8 - 1;

const bytesOf = (words: readonly bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(words).buffer);

/** An interrupt gate of long mode that user mode may use too (SDM volume 3, 6.14.1). */
function gate(handler: bigint): readonly [bigint, bigint] {
  const low =
    (handler & 0xffffn) | (BigInt(selector.code) << 16n) | (0xee00n << 32n) | ((handler >> 16n) << 48n);
  return [BigInt.asUintN(64, low), handler >> 32n];
}

/** The same of protected mode, below 64 KiB (6.11). */
const gate32 = (handler: bigint): readonly [bigint] => [
  handler | (BigInt(selector.code32) << 16n) | (0xee00n << 32n),
];

/** The address of a label, or the number itself. @throws for a label there is none of */
export function addressOf(code: GuestCode, at: string | number): number {
  if (typeof at === "number") return at;
  const address = code.labels[at];
  if (address === undefined) throw new Error(`the guest has no label ${at}`);
  return address;
}

/** What is in the guest's memory at the start, as pieces. */
export function initialMemory(
  scenario: Scenario,
  code: GuestCode,
): readonly (readonly [bigint, Uint8Array])[] {
  const words = Object.entries(scenario.memory ?? {}).map(
    ([address, word]) => [BigInt(address), bytesOf([word])] as const,
  );
  const program: readonly [bigint, Uint8Array] = [
    BigInt(codeAt),
    Uint8Array.from(Buffer.from(code.hex, "hex")),
  ];
  const handlers = Object.entries(scenario.handlers ?? {}).map(
    ([vector, label]) => [Number(vector), BigInt(addressOf(code, label))] as const,
  );
  if (scenario.mode === "real") {
    return [
      program,
      ...words,
      ...handlers.map(
        ([vector, handler]) =>
          [BigInt(vector * 4), Uint8Array.of(Number(handler & 0xffn), Number(handler >> 8n), 0, 0)] as const,
      ),
    ];
  }
  const tss = new Uint8Array(0x68);
  const stack = new DataView(tss.buffer);
  stack.setBigUint64(4, place.kernelStack, true);
  const isLong = scenario.mode !== "protected";
  // SS0, behind ESP0 (SDM volume 3, 7.2.1).
  if (!isLong) stack.setUint32(8, selector.data, true);
  const gateAt = (vector: number, handler: bigint): readonly [bigint, Uint8Array] =>
    isLong
      ? [place.idt + BigInt(vector * 16), bytesOf(gate(handler))]
      : [place.idt + BigInt(vector * 8), bytesOf(gate32(handler))];
  return [
    program,
    ...words,
    [place.pageTables, identityMap(place.pageTables, 1n << 32n, true)],
    [place.gdt, bytesOf(descriptors)],
    [place.tss, tss],
    ...handlers.map(([vector, handler]) => gateAt(vector, handler)),
  ];
}
