/** What the manual calls the exception classes (ESR_EL2.EC, Arm ARM D17.2.37), for messages. */
const names: ReadonlyMap<number, string> = new Map([
  [0x00, "unknown reason"],
  [0x01, "WFI or WFE"],
  [0x07, "access to SVE, Advanced SIMD or floating point"],
  [0x0a, "LD64B or ST64B"],
  [0x0d, "Branch Target"],
  [0x0e, "Illegal Execution state"],
  [0x11, "SVC in AArch32"],
  [0x12, "HVC in AArch32"],
  [0x13, "SMC in AArch32"],
  [0x15, "SVC"],
  [0x16, "HVC"],
  [0x17, "SMC"],
  [0x18, "trapped MSR, MRS or System instruction"],
  [0x19, "access to SVE"],
  [0x1a, "trapped ERET"],
  [0x1c, "pointer authentication"],
  [0x20, "Instruction Abort from a lower level"],
  [0x21, "Instruction Abort at the same level"],
  [0x22, "PC alignment fault"],
  [0x24, "Data Abort from a lower level"],
  [0x25, "Data Abort at the same level"],
  [0x26, "SP alignment fault"],
  [0x28, "floating-point exception in AArch32"],
  [0x2c, "floating-point exception"],
  [0x2f, "SError"],
  [0x30, "Breakpoint from a lower level"],
  [0x31, "Breakpoint at the same level"],
  [0x32, "Software Step from a lower level"],
  [0x33, "Software Step at the same level"],
  [0x34, "Watchpoint from a lower level"],
  [0x35, "Watchpoint at the same level"],
  [0x38, "BKPT in AArch32"],
  [0x3a, "Vector Catch in AArch32"],
  [0x3c, "BRK"],
]);

/** An exception class with its name: `0x3a (Vector Catch in AArch32)`. */
export function exceptionClassText(ec: number): string {
  return `0x${ec.toString(16).padStart(2, "0")} (${names.get(ec) ?? "not allocated"})`;
}
