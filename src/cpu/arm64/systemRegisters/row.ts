/**
 * The trap group of a register: which control of a higher level can take its accesses away. `debug` MDCR_EL2.TDA (and TDRA,
 * TDOSA), `pmu` MDCR_EL2.TPM and TPMCR, `translation` HCR_EL2.TVM and TRVM, `id3` HCR_EL2.TID3, `actlr` HCR_EL2.TACR.
 */
export type TrapGroup =
  | "debug"
  | "debugRom"
  | "osLock"
  | "pmu"
  | "pmcr"
  | "translation"
  | "actlr"
  | "id3"
  | "id2"
  | "id1";

/** Who may use a register from EL0: nobody, everybody, or as a control register says. */
export type El0Access =
  | "none"
  | "all"
  | "read"
  | "UMA"
  | "UCT"
  | "DZE"
  | "EL0VCTEN"
  | "EL0PCTEN"
  | "EL0VTEN"
  | "EL0PTEN"
  | "anyCounter"
  | "PMUSERENR"
  | "TDCC";

/** One system register. */
export interface SystemRegisterRow {
  readonly name: string;
  /** op0:op1:CRn:CRm:op2 in 16 bits, as in KVM's register ids. */
  readonly key: number;
  readonly access: "rw" | "ro" | "wo";
  readonly el0: El0Access;
  readonly group: TrapGroup | undefined;
  /** Bits a write can change; the rest keep their reset value. */
  readonly writable: bigint;
  readonly reset: bigint;
}

/** Packs the encoding of a system register: op0 in 15:14, op1 in 13:11, CRn in 10:7, CRm in 6:3, op2 in 2:0. */
export function systemRegisterKey(op0: number, op1: number, crn: number, crm: number, op2: number): number {
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

/** The encoding as assembly writes a register without a name: `S3_0_C1_C0_0`. */
export function systemRegisterSpelling(key: number): string {
  return `S${key >> 14}_${(key >> 11) & 7}_C${(key >> 7) & 15}_C${(key >> 3) & 15}_${key & 7}`;
}

type Options = Partial<Pick<SystemRegisterRow, "access" | "el0" | "group" | "writable" | "reset">>;

const all = (1n << 64n) - 1n;

/** A row from its name and its encoding written as five numbers. */
export function register(name: string, encoding: string, options: Options = {}): SystemRegisterRow {
  const [op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0] = encoding.split(" ").map(Number);
  return {
    name,
    key: systemRegisterKey(op0, op1, crn, crm, op2),
    access: options.access ?? "rw",
    el0: options.el0 ?? "none",
    group: options.group,
    writable: options.access === "ro" ? 0n : (options.writable ?? all),
    reset: options.reset ?? 0n,
  };
}
