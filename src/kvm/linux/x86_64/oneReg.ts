import { KvmError } from "../../errors.ts";
import { parseX86Register, type X86RegisterPlace } from "../../x86Registers.ts";
import type { X86DebugRegs, X86Segment } from "../uapi/x86_64/records.ts";
import type { X86VcpuState } from "./vcpuState.ts";
import { XsaveImage } from "./xsave.ts";

/** The value of a register. @throws KvmError EINVAL for an MSR that the vCPU has not */
export function readRegister(vcpu: X86VcpuState, place: X86RegisterPlace): bigint {
  switch (place.kind) {
    case "general":
      return vcpu.getRegs()[place.name];
    case "linearPc":
      return vcpu.pc;
    case "segment": {
      const segment = vcpu.getSregs()[place.segment];
      return place.field === "attributes" ? BigInt(attributesOf(segment)) : BigInt(segment[place.field]);
    }
    case "table":
      return BigInt(vcpu.getSregs()[place.table][place.field]);
    case "control":
      return vcpu.getSregs()[place.name];
    case "xcr0":
      return vcpu.getXcrs().xcrs.find(({ xcr }) => xcr === 0)?.value ?? 0n;
    case "debug":
      return debugRegister(vcpu.getDebugRegs(), place.n);
    case "msr":
      return vcpu.getMsr(place.index);
    default:
      return readXsave(vcpu.xsave, place);
  }
}

/** Sets a register. @throws KvmError EINVAL for a value it cannot take */
export function writeRegister(vcpu: X86VcpuState, place: X86RegisterPlace, value: bigint): void {
  switch (place.kind) {
    case "general":
      vcpu.setRegs({ ...vcpu.getRegs(), [place.name]: value });
      break;
    case "linearPc":
      vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt.asUintN(64, value - codeBase(vcpu)) });
      break;
    case "segment": {
      const sregs = vcpu.getSregs();
      const segment = withField(sregs[place.segment], place.field, value);
      vcpu.setSregs({ ...sregs, [place.segment]: segment });
      break;
    }
    case "table": {
      const sregs = vcpu.getSregs();
      const field = place.field === "base" ? { base: value } : { limit: Number(value) };
      vcpu.setSregs({ ...sregs, [place.table]: { ...sregs[place.table], ...field } });
      break;
    }
    case "control":
      vcpu.setSregs({ ...vcpu.getSregs(), [place.name]: value });
      break;
    case "xcr0": {
      const all = vcpu.getXcrs();
      const xcrs = all.xcrs.map((each) => (each.xcr === 0 ? { ...each, value } : each));
      vcpu.setXcrs({ ...all, xcrs });
      break;
    }
    case "debug":
      vcpu.setDebugRegs(withDebugRegister(vcpu.getDebugRegs(), place.n, value));
      break;
    case "msr":
      vcpu.setMsr(place.index, value);
      break;
    default: {
      const image = new XsaveImage(vcpu.getXsave());
      writeXsave(image, place, value);
      vcpu.setXsave(image.bytes);
    }
  }
}

/** What RIP counts from: 64-bit code knows no segments. */
function codeBase(vcpu: X86VcpuState): bigint {
  const { cs } = vcpu.getSregs();
  return cs.l === 1 ? 0n : cs.base;
}

function readXsave(xsave: XsaveImage, place: XsavePlace): bigint {
  switch (place.kind) {
    case "x87":
      return xsave.getX87(place.n);
    case "x87State":
      return BigInt(xsave.getX87State(place.name));
    case "xmm":
      return xsave.getXmm(place.n);
    case "ymmHigh":
      return xsave.getYmmHigh(place.n);
    case "mxcsr":
      return BigInt(xsave.mxcsr);
  }
}

type XsavePlace = Extract<
  X86RegisterPlace,
  { readonly kind: "x87" | "x87State" | "xmm" | "ymmHigh" | "mxcsr" }
>;

/** Where the register of an id is. @throws KvmError ENOENT */
export function placeOf(id: bigint): X86RegisterPlace {
  const place = parseX86Register(id);
  if (place === undefined) throw new KvmError("ENOENT", `there is no register 0x${id.toString(16)}`);
  return place;
}

function writeXsave(image: XsaveImage, place: XsavePlace, value: bigint): void {
  switch (place.kind) {
    case "x87":
      image.setX87(place.n, value);
      break;
    case "x87State":
      image.setX87State(place.name, Number(value));
      break;
    case "xmm":
      image.setXmm(place.n, value);
      break;
    case "ymmHigh":
      image.setYmmHigh(place.n, value);
      break;
    case "mxcsr":
      image.mxcsr = Number(value);
  }
}

/** Bits 40 to 55 of a descriptor, those of the limit left out. */
function attributesOf({ type, s, dpl, present, avl, l, db, g }: X86Segment): number {
  return type | (s << 4) | (dpl << 5) | (present << 7) | (avl << 12) | (l << 13) | (db << 14) | (g << 15);
}

function withField(
  segment: X86Segment,
  field: "selector" | "base" | "limit" | "attributes",
  value: bigint,
): X86Segment {
  if (field === "base") return { ...segment, base: value };
  const number = Number(value);
  if (field !== "attributes") return { ...segment, [field]: number };
  const bit = (at: number): number => (number >> at) & 1;
  return {
    ...segment,
    type: number & 0xf,
    s: bit(4),
    dpl: (number >> 5) & 3,
    present: bit(7),
    avl: bit(12),
    l: bit(13),
    db: bit(14),
    g: bit(15),
  };
}

function debugRegister({ db, dr6, dr7 }: X86DebugRegs, n: number): bigint {
  if (n === 6) return dr6;
  return n === 7 ? dr7 : (db[n] ?? 0n);
}

function withDebugRegister(registers: X86DebugRegs, n: number, value: bigint): X86DebugRegs {
  if (n === 6) return { ...registers, dr6: value };
  if (n === 7) return { ...registers, dr7: value };
  return { ...registers, db: registers.db.map((old, i) => (i === n ? value : old)) };
}
