import { PC_IRQ, PC_MAP, PC_PORTS } from "../board/x86PcMap.ts";
import { ACPI_PM, ACPI_SOFT_OFF } from "../devices/acpiPm.ts";
import { CMOS_CENTURY } from "../devices/cmosRtc.ts";

/** Length of the header of every table (ACPI 6.5, 5.2.6). */
const HEADER = 36;
const FADT_BYTES = 276;

/** FADT flags: WBINVD, PROC_C1, no fixed buttons, RESET_REG_SUP (table 5.10). */
const FADT_FLAGS = 1 | (1 << 2) | (1 << 4) | (1 << 5) | (1 << 10);
/** IAPC_BOOT_ARCH: devices that no table names, an 8042, no VGA (table 5.11). */
const BOOT_ARCHITECTURE = 1 | 2 | 4;
/** System I/O, 8 bits, byte access. */
const PORT_ADDRESS = [1, 8, 0, 1] as const;
const RESET_VALUE = 6;

const text = (value: string): number[] => [...value].map((character) => character.charCodeAt(0));
const u16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];

const sumsToZero = (bytes: Uint8Array, from: number, to: number): number =>
  -bytes.subarray(from, to).reduce((sum, byte) => sum + byte, 0) & 0xff;

/** A table: its header and what follows it. */
function table(signature: string, revision: number, body: readonly number[]): Uint8Array {
  const bytes = Uint8Array.from([
    ...text(signature),
    ...u32(HEADER + body.length),
    revision,
    0,
    ...text("VMEXIT"),
    ...text("VMEXITPC"),
    ...u32(1),
    ...text("VMEX"),
    ...u32(1),
    ...body,
  ]);
  bytes[9] = sumsToZero(bytes, 0, bytes.length);
  return bytes;
}

/** `Name (_S5, Package () { 5, 5, 0, 0 })`: how the machine is switched off (ACPI 6.5, 7.4.2 and 20.2). */
const softOff = [0x08, ...text("_S5_"), 0x12, 0x08, 0x04, 0x0a, ACPI_SOFT_OFF, 0x0a, ACPI_SOFT_OFF, 0, 0];

/** Local APICs and the I/O APIC, all ISA interrupts at the inputs of their numbers (ACPI 6.5, 5.2.12). */
function madt(cpus: number): Uint8Array {
  const localApics = Array.from({ length: cpus }, (_, id) => [0, 8, id, id, ...u32(1)]).flat();
  const ioApic = [1, 12, cpus, 0, ...u32(PC_MAP.ioApic), ...u32(0)];
  return table("APIC", 5, [...u32(PC_MAP.localApic), ...u32(1), ...localApics, ...ioApic]);
}

function fadt(facs: number, dsdt: number): Uint8Array {
  const body = new Uint8Array(FADT_BYTES - HEADER);
  const view = new DataView(body.buffer);
  const at = (offset: number): number => offset - HEADER;
  view.setUint32(at(36), facs, true);
  view.setUint32(at(40), dsdt, true);
  view.setUint16(at(46), PC_IRQ.acpi, true);
  view.setUint32(at(56), PC_PORTS.acpiPm + ACPI_PM.EVENT, true);
  view.setUint32(at(64), PC_PORTS.acpiPm + ACPI_PM.CONTROL, true);
  view.setUint32(at(76), PC_PORTS.acpiPm + ACPI_PM.TIMER, true);
  // Lengths of the event block, the control block and the timer.
  body.set([4, 2, 0, 4], at(88));
  // Latencies that say: no C2, no C3.
  view.setUint16(at(96), 0xfff, true);
  view.setUint16(at(98), 0xfff, true);
  view.setUint8(at(108), CMOS_CENTURY);
  view.setUint16(at(109), BOOT_ARCHITECTURE, true);
  view.setUint32(at(112), FADT_FLAGS, true);
  body.set(PORT_ADDRESS, at(116));
  view.setUint32(at(120), PC_PORTS.resetControl, true);
  view.setUint8(at(128), RESET_VALUE);
  view.setUint8(at(131), 5);
  return table("FACP", 6, [...body]);
}

function rsdp(rsdt: number, xsdt: number): Uint8Array {
  const bytes = new Uint8Array(36);
  const view = new DataView(bytes.buffer);
  bytes.set(text("RSD PTR "), 0);
  bytes.set(text("VMEXIT"), 9);
  bytes[15] = 2;
  view.setUint32(16, rsdt, true);
  view.setUint32(20, bytes.length, true);
  view.setUint32(24, xsdt, true);
  bytes[8] = sumsToZero(bytes, 0, 20);
  bytes[32] = sumsToZero(bytes, 0, bytes.length);
  return bytes;
}

/**
 * A PC's ACPI tables, as few as a guest needs to find its processors and to switch the machine off: RSDP, RSDT (for guests of ACPI
 * 1.0), XSDT, FADT, FACS, DSDT and MADT.
 * @param at guest-physical address they will be at, a multiple of 64; the RSDP is first
 */
export function acpiTables(at: number, cpus: number): Uint8Array {
  const places = { rsdp: 0, xsdt: 0x40, facs: 0x80, dsdt: 0xc0, fadt: 0x100, rsdt: 0x240, madt: 0x280 };
  const facs = Uint8Array.from([...text("FACS"), ...u32(64), ...Array<number>(56).fill(0)]);
  const xsdt = table("XSDT", 1, [...u32(at + places.fadt), ...u32(0), ...u32(at + places.madt), ...u32(0)]);
  const rsdt = table("RSDT", 1, [...u32(at + places.fadt), ...u32(at + places.madt)]);
  const dsdt = table("DSDT", 2, softOff);
  const processors = madt(cpus);
  const bytes = new Uint8Array(places.madt + processors.length);
  bytes.set(rsdp(at + places.rsdt, at + places.xsdt), places.rsdp);
  bytes.set(xsdt, places.xsdt);
  bytes.set(rsdt, places.rsdt);
  bytes.set(facs, places.facs);
  bytes.set(dsdt, places.dsdt);
  bytes.set(fadt(at + places.facs, at + places.dsdt), places.fadt);
  bytes.set(processors, places.madt);
  return bytes;
}
