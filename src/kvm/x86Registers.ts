/**
 * One-reg ids of x86 (linux/kvm.h, asm/kvm.h). KVM itself has them for MSRs only; the other types are of this project, so that a
 * debugger reaches every register of every architecture in the same way. What KVM has ioctls for is named as there.
 */
const x86 = 0x2000_0000_0000_0000n;

/** KVM_REG_SIZE: the exponent of the number of bytes. An 80-bit register has room for 128. */
const sizes = {
  16: 0x0010_0000_0000_0000n,
  32: 0x0020_0000_0000_0000n,
  64: 0x0030_0000_0000_0000n,
  80: 0x0040_0000_0000_0000n,
  128: 0x0040_0000_0000_0000n,
} as const;

/** KVM_X86_REG_TYPE_MSR is 2; from 0x80 on they are ours. */
const types = { msr: 2n, named: 0x80n } as const;

/** The general registers of `kvm_regs`. */
export const x86GeneralNames = [
  "rax",
  "rbx",
  "rcx",
  "rdx",
  "rsi",
  "rdi",
  "rbp",
  "rsp",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
  "rip",
  "rflags",
] as const;
/** Segment registers, and what is like them. */
export const x86SegmentNames = ["cs", "ss", "ds", "es", "fs", "gs", "tr", "ldt"] as const;
/** GDTR and IDTR. */
export const x86TableNames = ["gdt", "idt"] as const;
/** The control registers of `kvm_sregs`. */
export const x86ControlNames = ["cr0", "cr2", "cr3", "cr4", "cr8", "efer", "apic_base"] as const;
/** What the x87 unit has besides its stack, in the order of FSAVE's image and by gdb's names. */
export const x87StateNames = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"] as const;

/** Where a register is. */
export type X86RegisterPlace =
  | { readonly kind: "general"; readonly name: (typeof x86GeneralNames)[number] }
  /** CS base and RIP: the linear address of the next instruction. */
  | { readonly kind: "linearPc" }
  | {
      readonly kind: "segment";
      readonly segment: (typeof x86SegmentNames)[number];
      /** `attributes`: access rights as in a descriptor's bits 40 to 55, without the limit (Intel SDM volume 3, 3.4.5). */
      readonly field: "selector" | "base" | "limit" | "attributes";
    }
  | {
      readonly kind: "table";
      readonly table: (typeof x86TableNames)[number];
      readonly field: "base" | "limit";
    }
  | { readonly kind: "control"; readonly name: (typeof x86ControlNames)[number] }
  | { readonly kind: "xcr0" }
  /** The guest's own debug registers: 0 to 3, 6, 7. */
  | { readonly kind: "debug"; readonly n: number }
  /** ST(n), 80 bits. */
  | { readonly kind: "x87"; readonly n: number }
  | { readonly kind: "x87State"; readonly name: (typeof x87StateNames)[number] }
  | { readonly kind: "xmm"; readonly n: number }
  /** The upper half of YMMn. */
  | { readonly kind: "ymmHigh"; readonly n: number }
  | { readonly kind: "mxcsr" }
  | { readonly kind: "msr"; readonly index: number };

/** A register with a name. */
export interface X86Register {
  /** As gdb has it, where gdb has it; else as manuals do. */
  readonly name: string;
  readonly bits: 16 | 32 | 64 | 80 | 128;
  readonly group: "general" | "vector" | "system";
  readonly place: X86RegisterPlace;
  readonly id: bigint;
}

/** MSRs that have names of their own for a debugger: index by name (Intel SDM volume 4). */
export const x86NamedMsrs = {
  k_gs_base: 0xc000_0102,
  star: 0xc000_0081,
  lstar: 0xc000_0082,
  cstar: 0xc000_0083,
  sfmask: 0xc000_0084,
  sysenter_cs: 0x174,
  sysenter_esp: 0x175,
  sysenter_eip: 0x176,
  pat: 0x277,
  tsc: 0x10,
} as const;

/** The id of an MSR. */
export const x86MsrId = (index: number): bigint => x86 | sizes[64] | (types.msr << 32n) | BigInt(index);

type Unnumbered = Omit<X86Register, "id">;
type Bits = X86Register["bits"];

const system = (name: string, bits: Bits, place: X86RegisterPlace): Unnumbered => ({
  name,
  bits,
  group: "system",
  place,
});
const numbered = (count: number, make: (n: number) => Unnumbered): Unnumbered[] =>
  Array.from({ length: count }, (_, n) => make(n));

const isGeneralSegment = (segment: string): boolean => segment !== "tr" && segment !== "ldt";

const unnumbered: readonly Unnumbered[] = [
  ...x86GeneralNames.map(
    (name): Unnumbered =>
      name === "rflags"
        ? { name: "eflags", bits: 32, group: "general", place: { kind: "general", name } }
        : { name, bits: 64, group: "general", place: { kind: "general", name } },
  ),
  ...x86SegmentNames.map(
    (segment): Unnumbered => ({
      name: segment === "ldt" ? "ldtr" : segment,
      bits: 16,
      group: isGeneralSegment(segment) ? "general" : "system",
      place: { kind: "segment", segment, field: "selector" },
    }),
  ),
  ...numbered(8, (n) => ({ name: `st${n}`, bits: 80, group: "vector", place: { kind: "x87", n } })),
  ...x87StateNames.map(
    (name): Unnumbered => ({ name, bits: 32, group: "vector", place: { kind: "x87State", name } }),
  ),
  ...numbered(16, (n) => ({ name: `xmm${n}`, bits: 128, group: "vector", place: { kind: "xmm", n } })),
  { name: "mxcsr", bits: 32, group: "vector", place: { kind: "mxcsr" } },
  ...numbered(16, (n) => ({ name: `ymm${n}h`, bits: 128, group: "vector", place: { kind: "ymmHigh", n } })),
  ...x86SegmentNames.flatMap((segment) => {
    const prefix = segment === "ldt" ? "ldtr" : segment;
    return [
      system(`${prefix}_base`, 64, { kind: "segment", segment, field: "base" }),
      system(`${prefix}_limit`, 32, { kind: "segment", segment, field: "limit" }),
      system(`${prefix}_attributes`, 16, { kind: "segment", segment, field: "attributes" }),
    ];
  }),
  ...x86TableNames.flatMap((table) => [
    system(`${table}r_base`, 64, { kind: "table", table, field: "base" }),
    system(`${table}r_limit`, 16, { kind: "table", table, field: "limit" }),
  ]),
  ...x86ControlNames.map((name) => system(name, 64, { kind: "control", name })),
  system("xcr0", 64, { kind: "xcr0" }),
  ...[0, 1, 2, 3, 6, 7].map((n) => system(`dr${n}`, 64, { kind: "debug", n })),
  ...Object.entries(x86NamedMsrs).map(([name, index]) => system(name, 64, { kind: "msr", index })),
  system("linear_pc", 64, { kind: "linearPc" }),
];

/** Every register but the MSRs without a name, in a fixed order. */
export const x86Registers: readonly X86Register[] = unnumbered.map((register, index) => ({
  ...register,
  id:
    register.place.kind === "msr"
      ? x86MsrId(register.place.index)
      : x86 | sizes[register.bits] | (types.named << 32n) | BigInt(index),
}));

const byId: ReadonlyMap<bigint, X86Register> = new Map(x86Registers.map((each) => [each.id, each]));
const byName: ReadonlyMap<string, X86Register> = new Map(x86Registers.map((each) => [each.name, each]));

/** The id of a register by its name. @throws RangeError for a name there is none of */
export function x86RegisterId(name: string): bigint {
  const register = byName.get(name);
  if (register === undefined) throw new RangeError(`x86 has no register ${name}`);
  return register.id;
}

/** Where the register of an id is; undefined for an id that is none of x86's. */
export function parseX86Register(id: bigint): X86RegisterPlace | undefined {
  const known = byId.get(id);
  if (known !== undefined) return known.place;
  const msr = x86 | sizes[64] | (types.msr << 32n);
  return (id & ~0xffff_ffffn) === msr ? { kind: "msr", index: Number(id & 0xffff_ffffn) } : undefined;
}
