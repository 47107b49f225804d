import type { ArchitectureDescription, FeatureDescription, RegisterDescription } from "./architecture.ts";
import { featureXml, targetXml } from "./xml.ts";

/** An architecture description contradicts itself: the fault of whoever wrote the description. */
export class DescriptionError extends Error {
  override readonly name = "DescriptionError";
}

/** A register and its place. */
export interface PlacedRegister {
  readonly register: RegisterDescription;
  readonly feature: FeatureDescription;
  /** Size in bytes. */
  readonly bytes: number;
  /** Offset in bytes, all registers laid out one after the other by number: for the general ones, in the `g` packet. */
  readonly offset: number;
}

/** An architecture's registers by number, the layout of its `g` packet, and its description's documents. */
export class RegisterFile {
  readonly architecture: ArchitectureDescription;
  /** All registers by ascending number. */
  readonly all: readonly PlacedRegister[];
  /** The registers of the `g` packet, by ascending number. */
  readonly general: readonly PlacedRegister[];
  /** The registers sent along with stops. */
  readonly expedited: readonly PlacedRegister[];
  /** The register that holds the program counter. */
  readonly pc: PlacedRegister;
  /** Bytes of the largest register. */
  readonly largest: number;
  /** Bytes of the `g` packet's registers together. */
  readonly generalBytes: number;
  /** XML documents by annex, as UTF-8. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
  readonly #byNumber: ReadonlyMap<number, PlacedRegister>;

  /** Throws {@link DescriptionError} if numbers repeat, or a general register comes after one that is not. */
  constructor(architecture: ArchitectureDescription) {
    this.architecture = architecture;
    const all: PlacedRegister[] = [];
    let offset = 0;
    for (const { register, feature } of byNumber(architecture)) {
      const bytes = register.bits / 8;
      all.push({ register, feature, bytes, offset });
      offset += bytes;
    }
    this.all = all;
    this.#byNumber = new Map(all.map((placed) => [placed.register.regnum, placed]));
    if (this.#byNumber.size !== all.length) {
      throw new DescriptionError(`${architecture.name}: two registers have the same number`);
    }
    this.general = all.filter((placed) => placed.feature.general);
    if (this.general.some((placed, index) => all[index] !== placed)) {
      // gdb derives the g packet's layout from ascending numbers.
      throw new DescriptionError(
        `${architecture.name}: registers of the g packet must have the lowest numbers`,
      );
    }
    this.generalBytes = this.general.reduce((sum, placed) => sum + placed.bytes, 0);
    this.largest = all.reduce((most, placed) => Math.max(most, placed.bytes), 0);
    const pc = all.find((placed) => placed.register.generic === "pc");
    if (pc === undefined) throw new DescriptionError(`${architecture.name}: no register has the role "pc"`);
    this.pc = pc;
    this.expedited = architecture.expedited.map((regnum) => {
      const placed = this.#byNumber.get(regnum);
      if (placed === undefined) {
        throw new DescriptionError(`${architecture.name}: expedited register ${regnum} does not exist`);
      }
      return placed;
    });
    this.documents = documentsOf(architecture);
  }

  /** The register of that number, if there is one. */
  get(regnum: number): PlacedRegister | undefined {
    return this.#byNumber.get(regnum);
  }

  /** The value of a register of at most 64 bits from its bytes in the guest's byte order. */
  valueOf(bytes: Uint8Array): bigint {
    const little = this.architecture.endian === "little";
    let value = 0n;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[little ? bytes.length - 1 - at : at] ?? 0;
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }

  /** The bytes of a register of `count` bytes in the guest's byte order. */
  bytesOf(value: bigint, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    let left = value;
    for (let at = 0; at < count; at++) {
      bytes[this.architecture.endian === "little" ? at : count - 1 - at] = Number(left & 0xffn);
      left >>= 8n;
    }
    return bytes;
  }
}

function byNumber(
  architecture: ArchitectureDescription,
): { readonly register: RegisterDescription; readonly feature: FeatureDescription }[] {
  return architecture.features
    .flatMap((feature) => feature.registers.map((register) => ({ register, feature })))
    .sort((a, b) => a.register.regnum - b.register.regnum);
}

function documentsOf(architecture: ArchitectureDescription): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder();
  const documents = new Map<string, Uint8Array>([["target.xml", encoder.encode(targetXml(architecture))]]);
  for (const feature of architecture.features) {
    if (documents.has(feature.annex)) {
      throw new DescriptionError(`${architecture.name}: two features have the document ${feature.annex}`);
    }
    documents.set(feature.annex, encoder.encode(featureXml(feature)));
  }
  return documents;
}
