import type { x87StateNames } from "../../x86Registers.ts";

/** Offsets in the image of XSAVE in its standard form (Intel SDM volume 1, 13.4 and 10.5.1). */
const at = {
  fcw: 0,
  fsw: 2,
  ftw: 4,
  fop: 6,
  fip: 8,
  fdp: 16,
  mxcsr: 24,
  st: 32,
  xmm: 160,
  header: 512,
  ymmHigh: 576,
};

/** Components in XSTATE_BV. */
const components = { x87: 1, sse: 2, avx: 4 } as const;

type X87StateName = (typeof x87StateNames)[number];

const emptyTag = 3;

/** The x87, SSE and AVX registers in an image that `KVM_GET_XSAVE` gave. */
export class XsaveImage {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** ST(n), 80 bits. */
  getX87(n: number): bigint {
    const offset = at.st + 16 * n;
    return (BigInt(this.#view.getUint16(offset + 8, true)) << 64n) | this.#view.getBigUint64(offset, true);
  }

  setX87(n: number, value: bigint): void {
    const offset = at.st + 16 * n;
    this.#view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    this.#view.setUint16(offset + 8, Number(BigInt.asUintN(16, value >> 64n)), true);
    this.#use(components.x87);
  }

  getX87State(name: X87StateName): number {
    const view = this.#view;
    switch (name) {
      case "fctrl":
        return view.getUint16(at.fcw, true);
      case "fstat":
        return view.getUint16(at.fsw, true);
      case "ftag":
        return this.#fullTag();
      case "fop":
        return view.getUint16(at.fop, true) & 0x7ff;
      case "fioff":
        return view.getUint32(at.fip, true);
      case "fiseg":
        return view.getUint16(at.fip + 4, true);
      case "fooff":
        return view.getUint32(at.fdp, true);
      case "foseg":
        return view.getUint16(at.fdp + 4, true);
    }
  }

  setX87State(name: X87StateName, value: number): void {
    const view = this.#view;
    switch (name) {
      case "fctrl":
        view.setUint16(at.fcw, value, true);
        break;
      case "fstat":
        view.setUint16(at.fsw, value, true);
        break;
      case "ftag":
        view.setUint8(at.ftw, abridged(value));
        break;
      case "fop":
        view.setUint16(at.fop, value & 0x7ff, true);
        break;
      case "fioff":
        view.setUint32(at.fip, value, true);
        break;
      case "fiseg":
        view.setUint16(at.fip + 4, value, true);
        break;
      case "fooff":
        view.setUint32(at.fdp, value, true);
        break;
      case "foseg":
        view.setUint16(at.fdp + 4, value, true);
        break;
    }
    this.#use(components.x87);
  }

  getXmm(n: number): bigint {
    return this.#get128(at.xmm + 16 * n);
  }

  setXmm(n: number, value: bigint): void {
    this.#set128(at.xmm + 16 * n, value);
    this.#use(components.sse);
  }

  /** The upper half of YMMn: 0 as long as nobody has used it. */
  getYmmHigh(n: number): bigint {
    return (this.#view.getUint32(at.header, true) & components.avx) === 0
      ? 0n
      : this.#get128(at.ymmHigh + 16 * n);
  }

  setYmmHigh(n: number, value: bigint): void {
    if ((this.#view.getUint32(at.header, true) & components.avx) === 0)
      this.bytes.fill(0, at.ymmHigh, at.ymmHigh + 256);
    this.#set128(at.ymmHigh + 16 * n, value);
    this.#use(components.avx);
  }

  get mxcsr(): number {
    return this.#view.getUint32(at.mxcsr, true);
  }

  set mxcsr(value: number) {
    this.#view.setUint32(at.mxcsr, value, true);
    this.#use(components.sse);
  }

  #get128(offset: number): bigint {
    return (this.#view.getBigUint64(offset + 8, true) << 64n) | this.#view.getBigUint64(offset, true);
  }

  #set128(offset: number, value: bigint): void {
    this.#view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    this.#view.setBigUint64(offset + 8, BigInt.asUintN(64, value >> 64n), true);
  }

  #use(component: number): void {
    this.#view.setUint32(at.header, this.#view.getUint32(at.header, true) | component, true);
  }

  /** The tag word as FSAVE has it, two bits for each register (Intel SDM volume 1, 8.1.7), from FXSAVE's one bit. */
  #fullTag(): number {
    const inUse = this.#view.getUint8(at.ftw);
    const top = (this.#view.getUint16(at.fsw, true) >> 11) & 7;
    let word = 0;
    for (let physical = 0; physical < 8; physical++) {
      const tag = (inUse & (1 << physical)) === 0 ? emptyTag : tagOf(this.getX87((physical - top) & 7));
      word |= tag << (2 * physical);
    }
    return word;
  }
}

/** Valid, zero, or special: NaN, infinity, denormal, unnormal. */
function tagOf(value: bigint): number {
  const exponent = Number((value >> 64n) & 0x7fffn);
  const mantissa = BigInt.asUintN(64, value);
  if (exponent === 0) return mantissa === 0n ? 1 : 2;
  return exponent === 0x7fff || mantissa >> 63n === 0n ? 2 : 0;
}

function abridged(word: number): number {
  let inUse = 0;
  for (let n = 0; n < 8; n++) if (((word >> (2 * n)) & 3) !== emptyTag) inUse |= 1 << n;
  return inUse;
}
