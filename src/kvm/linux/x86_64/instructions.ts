import type { X86CpuidEntry } from "../uapi/x86_64/records.ts";

/** A bit of CPUID. */
export interface CpuidBit {
  readonly leaf: number;
  readonly register: "eax" | "ebx" | "ecx" | "edx";
  readonly bit: number;
}

/** Instructions that a processor has or has not (Intel SDM volume 2, CPUID). */
export interface InstructionFeature {
  readonly name: string;
  readonly shown: CpuidBit;
  /** One of them, for kernel mode of long mode; memory it uses is at 0x3000. */
  readonly bytes: readonly number[];
  /** Bits of CR4 without which it is undefined. */
  readonly cr4?: bigint;
  /** What nobody may have without it. */
  readonly also?: readonly CpuidBit[];
}

const bit = (leaf: number, register: CpuidBit["register"], n: number): CpuidBit => ({
  leaf,
  register,
  bit: n,
});

/** Vector instructions keep their state by XSAVE: AVX, FMA, F16C; AVX2, AVX-512, VAES, VPCLMULQDQ; PKU. */
const vectors: readonly CpuidBit[] = [
  ...[12, 27, 28, 29].map((n) => bit(1, "ecx", n)),
  ...[5, 16, 17, 21, 28, 30, 31].map((n) => bit(7, "ebx", n)),
  ...[1, 3, 6, 9, 10, 11, 12, 14].map((n) => bit(7, "ecx", n)),
  ...[2, 3, 8, 22, 23, 24, 25].map((n) => bit(7, "edx", n)),
];

/** CR4.FSGSBASE and CR4.OSXSAVE. */
const cr4 = { fsgsbase: 1n << 16n, osxsave: 1n << 18n } as const;
/** [0x3000], as ModRM and SIB have it. */
const memory = [0x25, 0x00, 0x30, 0x00, 0x00] as const;

/** Those that kernels use when CPUID shows them. */
export const instructionFeatures: readonly InstructionFeature[] = [
  // PABSB, PMOVSXBW, AESENC, PCLMULQDQ: Linux' random numbers and checksums use vector registers where there is the first.
  { name: "SSSE3", shown: bit(1, "ecx", 9), bytes: [0x66, 0x0f, 0x38, 0x1c, 0xc0] },
  { name: "SSE4.1", shown: bit(1, "ecx", 19), bytes: [0x66, 0x0f, 0x38, 0x20, 0xc0] },
  { name: "AES", shown: bit(1, "ecx", 25), bytes: [0x66, 0x0f, 0x38, 0xdc, 0xc0] },
  { name: "PCLMULQDQ", shown: bit(1, "ecx", 1), bytes: [0x66, 0x0f, 0x3a, 0x44, 0xc0, 0x00] },
  { name: "CMPXCHG16B", shown: bit(1, "ecx", 13), bytes: [0xf0, 0x48, 0x0f, 0xc7, 0x0c, ...memory] },
  { name: "MOVBE", shown: bit(1, "ecx", 22), bytes: [0x0f, 0x38, 0xf0, 0x04, ...memory] },
  { name: "POPCNT", shown: bit(1, "ecx", 23), bytes: [0xf3, 0x48, 0x0f, 0xb8, 0xc0] },
  { name: "CRC32", shown: bit(1, "ecx", 20), bytes: [0xf2, 0x48, 0x0f, 0x38, 0xf1, 0xc0] },
  {
    name: "XSAVE",
    shown: bit(1, "ecx", 26),
    // XSAVE64 and XRSTOR64.
    bytes: [0x48, 0x0f, 0xae, 0x24, ...memory, 0x48, 0x0f, 0xae, 0x2c, ...memory],
    cr4: cr4.osxsave,
    also: vectors,
  },
  { name: "RDRAND", shown: bit(1, "ecx", 30), bytes: [0x48, 0x0f, 0xc7, 0xf0] },
  { name: "FSGSBASE", shown: bit(7, "ebx", 0), bytes: [0xf3, 0x48, 0x0f, 0xae, 0xc0], cr4: cr4.fsgsbase },
  { name: "BMI1", shown: bit(7, "ebx", 3), bytes: [0xc4, 0xe2, 0xf8, 0xf2, 0xc0] },
  { name: "BMI2", shown: bit(7, "ebx", 8), bytes: [0xc4, 0xe2, 0xf9, 0xf7, 0xc0] },
  { name: "INVPCID", shown: bit(7, "ebx", 10), bytes: [0x66, 0x0f, 0x38, 0x82, 0x04, ...memory] },
  { name: "RDSEED", shown: bit(7, "ebx", 18), bytes: [0x48, 0x0f, 0xc7, 0xf8] },
  { name: "ADX", shown: bit(7, "ebx", 19), bytes: [0x66, 0x48, 0x0f, 0x38, 0xf6, 0xc0] },
  { name: "SMAP", shown: bit(7, "ebx", 20), bytes: [0x0f, 0x01, 0xca] },
  { name: "CLFLUSHOPT", shown: bit(7, "ebx", 23), bytes: [0x66, 0x0f, 0xae, 0x3c, ...memory] },
  { name: "SHA", shown: bit(7, "ebx", 29), bytes: [0x0f, 0x38, 0xc8, 0xc0] },
  { name: "CLWB", shown: bit(7, "ebx", 24), bytes: [0x66, 0x0f, 0xae, 0x34, ...memory] },
  { name: "RDPID", shown: bit(7, "ecx", 22), bytes: [0xf3, 0x0f, 0xc7, 0xf8] },
  { name: "MOVDIRI", shown: bit(7, "ecx", 27), bytes: [0x0f, 0x38, 0xf9, 0x04, ...memory] },
  { name: "SERIALIZE", shown: bit(7, "edx", 14), bytes: [0x0f, 0x01, 0xe8] },
  { name: "PREFETCHW", shown: bit(0x8000_0001, "ecx", 8), bytes: [0x0f, 0x0d, 0x0c, ...memory] },
  { name: "RDTSCP", shown: bit(0x8000_0001, "edx", 27), bytes: [0x0f, 0x01, 0xf9] },
  {
    // KVM_FEATURE_PV_UNHALT, PV_SEND_IPI, PV_SCHED_YIELD, HC_MAP_GPA_RANGE (Linux: Documentation/virt/kvm/x86/cpuid.rst)
    name: "VMCALL",
    shown: bit(0x4000_0001, "eax", 7),
    bytes: [0x0f, 0x01, 0xc1],
    also: [11, 13, 16].map((n) => bit(0x4000_0001, "eax", n)),
  },
];

/** Linux' words of capabilities by leaf and register (arch/x86/include/asm/cpufeatures.h). */
const linuxWords: Readonly<Record<string, number>> = {
  "1 ecx": 4,
  "7 ebx": 9,
  "7 ecx": 16,
  "7 edx": 18,
  [`${0x8000_0001} ecx`]: 6,
  [`${0x8000_0001} edx`]: 1,
};

/** Numbers of features for Linux' parameter clearcpuid. */
export const linuxFlags = (names: readonly string[]): readonly number[] =>
  instructionFeatures.flatMap(({ name, shown: { leaf, register, bit: n } }) => {
    const word = linuxWords[`${leaf} ${register}`];
    return word === undefined || !names.includes(name) ? [] : [32 * word + n];
  });

/** Leaves of CPUID without features, by their names. */
export function withoutFeatures(
  cpuid: readonly X86CpuidEntry[],
  names: readonly string[],
): readonly X86CpuidEntry[] {
  const hidden = instructionFeatures
    .filter(({ name }) => names.includes(name))
    .flatMap(({ shown, also = [] }) => [shown, ...also]);
  if (hidden.length === 0) return cpuid;
  return cpuid.map((entry) => {
    const changed = { ...entry };
    for (const { register, bit: n } of hidden.filter((each) => isOf(entry, each)))
      changed[register] = (changed[register] & ~(1 << n)) >>> 0;
    return changed;
  });
}

/** The first subleaf is the one with the bits above. */
const isOf = (entry: X86CpuidEntry, { leaf }: CpuidBit): boolean =>
  entry.function === leaf && entry.index === 0;
