import type { Random } from "./random.ts";

/** Where the instruction under test stands, and the memory it may touch; both CPUs map the same windows. */
export const layout = {
  code: { address: 0x40_0000n, size: 0x1000 },
  /** Within reach of PC-relative loads, in front of the code and behind it. */
  before: { address: 0x3f_f000n, size: 0x1000 },
  after: { address: 0x40_1000n, size: 0x1000 },
  data: { address: 0x1000_0000n, size: 0x4000 },
} as const;

/** The windows both CPUs may read and write, in the order their bytes have in `TestState.memory`. */
export const dataWindows = [layout.data, layout.before, layout.after] as const;
export const memoryBytes: number = dataWindows.reduce((sum, { size }) => sum + size, 0);

const edges64: readonly bigint[] = [
  0n,
  1n,
  2n,
  0xffff_ffff_ffff_ffffn,
  0xffff_ffff_ffff_fffen,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_0000_0000_0001n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_7fff_ffffn,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x5555_5555_5555_5555n,
  0xaaaa_aaaa_aaaa_aaaan,
];

const edgePairs = Uint32Array.from(
  edges64.flatMap((value) => [Number(value & 0xffff_ffffn), Number(value >> 32n)]),
);

const laneEdges: Readonly<Record<1 | 2 | 4 | 8, readonly bigint[]>> = {
  1: [0n, 1n, 0x7fn, 0x80n, 0x81n, 0xffn],
  // Integers, then half-precision numbers: one, largest, smallest normal, denormals, infinities, NaNs.
  2: [
    0n,
    1n,
    0x7fffn,
    0x8000n,
    0xffffn,
    0x3c00n,
    0x7bffn,
    0x0400n,
    0x03ffn,
    0x7c00n,
    0xfc00n,
    0x7e00n,
    0x7d01n,
  ],
  4: [
    0n,
    1n,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    0x3f80_0000n,
    0xbf80_0000n,
    0x4b80_0000n,
    0x7f7f_ffffn,
    0x0080_0000n,
    0x007f_ffffn,
    0x7f80_0000n,
    0xff80_0000n,
    0x7fc0_0000n,
    0x7fa0_0001n,
    0x4f00_0000n,
    0xcf00_0000n,
  ],
  8: [
    0n,
    1n,
    0x7fff_ffff_ffff_ffffn,
    0x8000_0000_0000_0000n,
    0xffff_ffff_ffff_ffffn,
    0x3ff0_0000_0000_0000n,
    0xbff0_0000_0000_0000n,
    0x4340_0000_0000_0000n,
    0x7fef_ffff_ffff_ffffn,
    0x0010_0000_0000_0000n,
    0x000f_ffff_ffff_ffffn,
    0x7ff0_0000_0000_0000n,
    0xfff0_0000_0000_0000n,
    0x7ff8_0000_0000_0000n,
    0x7ff4_0000_0000_0001n,
    0x43e0_0000_0000_0000n,
    0xc3e0_0000_0000_0000n,
  ],
};

const laneEdgeBytes = ([1, 2, 4, 8] as const).map((bytes) => {
  const edges = laneEdges[bytes];
  const packed = new Uint8Array(edges.length * bytes);
  edges.forEach((edge, n) => {
    for (let i = 0; i < bytes; i++) packed[n * bytes + i] = Number((edge >> BigInt(8 * i)) & 0xffn);
  });
  return { bytes, count: edges.length, packed };
});

/** FPSR bits that instructions set: QC, IDC and the five others. */
const fpsrBits = 0x0800_009f;

/** What one test case starts from. Registers are little-endian views of one buffer each. */
export class TestState {
  /** X0 to X30, then SP. */
  readonly x = new BigUint64Array(32);
  readonly xBytes = new Uint8Array(this.x.buffer);
  readonly #xWords = new Uint32Array(this.x.buffer);
  /** V0 to V31: Vn has its low half at 2n, its high half at 2n + 1. */
  readonly v = new BigUint64Array(64);
  readonly vBytes = new Uint8Array(this.v.buffer);
  readonly #vWords = new Uint32Array(this.v.buffer);
  /** N:Z:C:V in bits 3:0. */
  nzcv = 0;
  fpcr = 0;
  fpsr = 0;
  /** Bytes to put into memory first. */
  readonly patches: { readonly address: bigint; readonly bytes: Uint8Array }[] = [];

  /** Random registers, many of them at the edges of some width. FPCR is zero, SP is aligned and in the data window. */
  randomize(random: Random): void {
    for (let n = 0; n < 32; n++) this.#randomGeneral(n, random);
    this.x[31] = layout.data.address + BigInt(0x1000 + random.below(0x100) * 16);
    for (let n = 0; n < 32; n++) this.#randomVector(n, random);
    this.nzcv = random.below(16);
    this.fpcr = 0;
    this.fpsr = random.oneIn(2) ? 0x10 : random.u32() & fpsrBits;
    this.patches.length = 0;
  }

  /** Writes Xn; 31 is SP. */
  setX(n: number, value: bigint): void {
    this.x[n] = BigInt.asUintN(64, value);
  }

  /** Writes Vn. */
  setV(n: number, low: bigint, high: bigint): void {
    this.v[2 * n] = BigInt.asUintN(64, low);
    this.v[2 * n + 1] = BigInt.asUintN(64, high);
  }

  /** Has `bytes` bytes of a little-endian value in memory when the case starts. */
  poke(address: bigint, bytes: number, value: bigint): void {
    const patch = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++) patch[i] = Number((value >> BigInt(8 * i)) & 0xffn);
    this.patches.push({ address, bytes: patch });
  }

  #randomGeneral(n: number, random: Random): void {
    const words = this.#xWords;
    switch (random.below(4)) {
      case 0: {
        const edge = random.below(edgePairs.length / 2) * 2;
        words[2 * n] = edgePairs[edge] ?? 0;
        words[2 * n + 1] = edgePairs[edge + 1] ?? 0;
        break;
      }
      case 1:
        // A small number, perhaps negative, perhaps only in the lower half.
        words[2 * n] = random.oneIn(2) ? random.below(130) : -random.below(130);
        words[2 * n + 1] = random.pick([0, 0xffff_ffff, random.u32()]);
        break;
      default:
        words[2 * n] = random.u32();
        words[2 * n + 1] = random.u32();
    }
  }

  #randomVector(n: number, random: Random): void {
    const kind = random.below(8);
    const edges = laneEdgeBytes[kind];
    if (edges === undefined) {
      for (let i = 0; i < 4; i++) this.#vWords[4 * n + i] = random.u32();
      return;
    }
    const { bytes, count, packed } = edges;
    for (let at = 16 * n; at < 16 * n + 16; at += bytes) {
      let edge = random.below(count) * bytes;
      for (let i = at; i < at + bytes; i++) this.vBytes[i] = packed[edge++] ?? 0;
    }
  }
}
