import { PC_MAP } from "./board/x86PcMap.ts";

/** Entry types of Intel's MultiProcessor Specification 1.4, 4.3. */
const ENTRY = { PROCESSOR: 0, BUS: 1, IO_APIC: 2, IO_INTERRUPT: 3, LOCAL_INTERRUPT: 4 } as const;
/** Interrupt types (table 4-10). */
const INTERRUPT = { VECTORED: 0, NMI: 1, EXTINT: 3 } as const;
const PROCESSOR_FLAGS = { ENABLED: 1, BOOTSTRAP: 2 } as const;
const LOCAL_APIC_VERSION = 0x14;
const IO_APIC_VERSION = 0x11;
/** CPUID leaf 1 of a Pentium Pro or later: family 6; FPU and APIC on chip. */
const SIGNATURE = 0x600;
const FEATURES = 0x201;
const ISA_INTERRUPTS = 16;
const ISA_BUS = 0;
const ALL_APICS = 0xff;

const POINTER_BYTES = 16;
const HEADER_BYTES = 44;

const text = (value: string): number[] => [...value].map((character) => character.charCodeAt(0));
const u16 = (value: number): number[] => [value & 0xff, value >> 8];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const checksum = (bytes: readonly number[]): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/**
 * Intel's MultiProcessor table, for guests that know no ACPI: the floating pointer, and behind it the configuration. ISA's interrupts
 * are at the I/O APIC's inputs of their numbers.
 * @param at guest-physical address it will be at, a multiple of 16
 */
export function mpTable(at: number, cpus: number): Uint8Array {
  const ioApicId = cpus;
  const interrupt = (type: number, kind: number, irq: number, apic: number, input: number): number[] => [
    type,
    kind,
    ...u16(0),
    ISA_BUS,
    irq,
    apic,
    input,
  ];
  const entries = [
    ...Array.from({ length: cpus }, (_, id) => [
      ENTRY.PROCESSOR,
      id,
      LOCAL_APIC_VERSION,
      PROCESSOR_FLAGS.ENABLED | (id === 0 ? PROCESSOR_FLAGS.BOOTSTRAP : 0),
      ...u32(SIGNATURE),
      ...u32(FEATURES),
      ...u32(0),
      ...u32(0),
    ]),
    [ENTRY.BUS, ISA_BUS, ...text("ISA   ")],
    [ENTRY.IO_APIC, ioApicId, IO_APIC_VERSION, 1, ...u32(PC_MAP.ioApic)],
    ...Array.from({ length: ISA_INTERRUPTS }, (_, irq) =>
      interrupt(ENTRY.IO_INTERRUPT, INTERRUPT.VECTORED, irq, ioApicId, irq),
    ),
    interrupt(ENTRY.LOCAL_INTERRUPT, INTERRUPT.EXTINT, 0, ALL_APICS, 0),
    interrupt(ENTRY.LOCAL_INTERRUPT, INTERRUPT.NMI, 0, ALL_APICS, 1),
  ];
  const body = entries.flat();
  const table = [
    ...text("PCMP"),
    ...u16(HEADER_BYTES + body.length),
    4,
    0,
    ...text("VMEXIT  "),
    ...text("VMEXIT PC   "),
    ...u32(0),
    ...u16(0),
    ...u16(entries.length),
    ...u32(PC_MAP.localApic),
    ...u32(0),
    ...body,
  ];
  table[7] = checksum(table);
  // Feature bytes 0: there is a configuration table, and interrupts start as on a PC with an 8259A ("virtual wire").
  const pointer = [...text("_MP_"), ...u32(at + POINTER_BYTES), 1, 4, 0, 0, 0, 0, 0, 0];
  pointer[10] = checksum(pointer);
  return Uint8Array.from([...pointer, ...table]);
}
