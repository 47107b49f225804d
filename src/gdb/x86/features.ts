import type { FeatureDescription, GenericRole, RegisterDescription } from "../architecture.ts";
import { EFLAGS, SSE_TYPES } from "./types.ts";

/** What gdb's registers of 32 and of 64 bits differ in. */
export interface X86Width {
  readonly bits: 32 | 64;
  /** In the order of gdb's own numbers (gdb: features/i386). */
  readonly general: readonly string[];
  readonly vectors: number;
  readonly generic: Readonly<Record<string, GenericRole>>;
  /** Numbers of the System V ABI, in DWARF. */
  readonly dwarf: Readonly<Record<string, number>>;
  /** The first number in the protocol: each width has its own, so that a client may change from one to the other. */
  readonly first: number;
}

const numbers = (names: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(names.map((name, n) => [name, n]));

/** The registers of 64-bit code. */
export const WIDTH_64: X86Width = {
  bits: 64,
  general: "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(" "),
  vectors: 16,
  generic: {
    rip: "pc",
    rsp: "sp",
    rbp: "fp",
    eflags: "flags",
    rdi: "arg1",
    rsi: "arg2",
    rdx: "arg3",
    rcx: "arg4",
    r8: "arg5",
    r9: "arg6",
  },
  dwarf: numbers("rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(" ")),
  first: 0,
};

/** The registers of 16-bit and 32-bit code. */
export const WIDTH_32: X86Width = {
  bits: 32,
  general: "eax ecx edx ebx esp ebp esi edi eip".split(" "),
  vectors: 8,
  generic: { eip: "pc", esp: "sp", ebp: "fp", eflags: "flags" },
  dwarf: numbers("eax ecx edx ebx esp ebp esi edi eip eflags".split(" ")),
  first: 0x400,
};

const segments = ["cs", "ss", "ds", "es", "fs", "gs"] as const;
const x87State = ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"] as const;

const pointers: ReadonlySet<string> = new Set(["rsp", "rbp", "esp", "ebp"]);
const codePointers: ReadonlySet<string> = new Set(["rip", "eip"]);

function generalType(name: string, bits: number): string {
  if (codePointers.has(name)) return "code_ptr";
  return pointers.has(name) ? "data_ptr" : `int${bits}`;
}

type Unnumbered = Omit<RegisterDescription, "regnum">;

/** `org.gnu.gdb.i386.core`: general registers, segment registers and the x87 unit. */
export function coreFeature(width: X86Width, first: number): FeatureDescription {
  const { bits, general, generic, dwarf } = width;
  const plain = (name: string): Unnumbered => ({
    name,
    bits,
    type: generalType(name, bits),
    group: "general",
    generic: generic[name],
    dwarf: dwarf[name],
  });
  const registers: readonly Unnumbered[] = [
    ...general.map(plain),
    {
      name: "eflags",
      bits: 32,
      type: EFLAGS.id,
      group: "general",
      generic: "flags",
      alternativeName: "rflags",
      dwarf: dwarf["eflags"],
    },
    ...segments.map((name): Unnumbered => ({ name, bits: 32, type: "int32", group: "general" })),
    ...Array.from(
      { length: 8 },
      (_, n): Unnumbered => ({
        name: `st${n}`,
        bits: 80,
        type: "i387_ext",
        dwarf: (bits === 64 ? 33 : 11) + n,
      }),
    ),
    ...x87State.map((name): Unnumbered => ({ name, bits: 32, type: "int", group: "float" })),
  ];
  return {
    name: "org.gnu.gdb.i386.core",
    annex: `i386-${bits}bit-core.xml`,
    title: "General Purpose Registers",
    general: true,
    types: [EFLAGS],
    registers: numbered(registers, first),
  };
}

/** `org.gnu.gdb.i386.sse`. */
export function sseFeature({ bits, vectors }: X86Width, first: number): FeatureDescription {
  const registers: readonly Unnumbered[] = [
    ...Array.from(
      { length: vectors },
      (_, n): Unnumbered => ({
        name: `xmm${n}`,
        bits: 128,
        type: "vec128",
        dwarf: (bits === 64 ? 17 : 21) + n,
      }),
    ),
    { name: "mxcsr", bits: 32, type: "i386_mxcsr", group: "vector" },
  ];
  return {
    name: "org.gnu.gdb.i386.sse",
    annex: `i386-${bits}bit-sse.xml`,
    title: "Vector Registers",
    general: false,
    types: SSE_TYPES,
    registers: numbered(registers, first),
  };
}

/** `org.gnu.gdb.i386.avx`: the upper halves of the YMM registers. */
export function avxFeature({ bits, vectors }: X86Width, first: number): FeatureDescription {
  const registers = Array.from(
    { length: vectors },
    (_, n): Unnumbered => ({ name: `ymm${n}h`, bits: 128, type: "uint128" }),
  );
  return {
    name: "org.gnu.gdb.i386.avx",
    annex: `i386-${bits}bit-avx.xml`,
    title: "AVX Registers",
    general: false,
    types: [],
    registers: numbered(registers, first),
  };
}

/** `org.gnu.gdb.i386.segments`: FS and GS as 64-bit code uses them. */
export function segmentsFeature(first: number): FeatureDescription {
  const registers = ["fs_base", "gs_base"].map((name): Unnumbered => ({ name, bits: 64, type: "int" }));
  return {
    name: "org.gnu.gdb.i386.segments",
    annex: "i386-64bit-segments.xml",
    title: "Segment Bases",
    general: false,
    types: [],
    registers: numbered(registers, first),
  };
}

/** System registers, which gdb shows with `info registers system`. */
export function systemFeature(
  registers: readonly { readonly name: string; readonly bits: number }[],
  first: number,
): FeatureDescription {
  return {
    name: "org.vmexit.x86.system",
    annex: "x86-system.xml",
    title: "System Registers",
    general: false,
    types: [],
    registers: numbered(
      registers.map(({ name, bits }) => ({
        name,
        bits,
        type: `uint${bits}`,
        group: "system",
        saveRestore: false,
      })),
      first,
    ),
  };
}

const numbered = (registers: readonly Unnumbered[], first: number): readonly RegisterDescription[] =>
  registers.map((register, n) => ({ ...register, regnum: first + n }));
