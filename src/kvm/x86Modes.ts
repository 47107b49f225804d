import type { X86DescriptorTable, X86Segment, X86Sregs } from "./linux/uapi/x86_64/records.ts";

/** Segment types with S set: execute/read/accessed code, read/write/accessed data (Intel SDM volume 3, 3.4.5.1). */
const codeType = 0xb;
const dataType = 0x3;
const busyTssType = 0xb;

/** CR0: PE, MP, ET, NE, WP, AM, PG; CR4: PAE, OSFXSR, OSXMMEXCPT; EFER: SCE, LME, LMA (Intel SDM volume 3, 2.5 and 2.2.1). */
const longModeControl = { cr0: 0x8005_0033n, cr4: 0x620n, efer: 0x501n } as const;
const protectedModeCr0 = 0x11n;

const none: X86DescriptorTable = { base: 0n, limit: 0, padding: [0, 0, 0] };

/** Where tables of the guest are. */
export interface GuestTables {
  readonly gdt?: { readonly base: bigint; readonly limit: number };
  readonly idt?: { readonly base: bigint; readonly limit: number };
  readonly tss?: { readonly base: bigint; readonly selector: number };
  /** Left out, 0x08 for code and 0x10 for data. */
  readonly selectors?: { readonly code: number; readonly data: number };
}

const table = (where: { readonly base: bigint; readonly limit: number } | undefined): X86DescriptorTable =>
  where === undefined ? none : { ...none, ...where };

/** A flat segment of 4 GiB. */
function flat(kind: "code" | "data", bits: 16 | 32 | 64, selector: number): X86Segment {
  const long = kind === "code" && bits === 64;
  return {
    base: 0n,
    limit: bits === 16 ? 0xffff : 0xffff_ffff,
    selector,
    type: kind === "code" ? codeType : dataType,
    present: 1,
    dpl: 0,
    db: bits === 16 || long ? 0 : 1,
    s: 1,
    l: long ? 1 : 0,
    g: bits === 16 ? 0 : 1,
    avl: 0,
    unusable: 0,
    padding: 0,
  };
}

function withSegments(sregs: X86Sregs, bits: 16 | 32 | 64, code: number, data: number): X86Sregs {
  const segment = flat("data", bits, data);
  return {
    ...sregs,
    cs: flat("code", bits, code),
    ds: segment,
    es: segment,
    fs: segment,
    gs: segment,
    ss: segment,
  };
}

/** Real mode with all segments at 0, as boot code likes it; the interrupt vectors are at 0. */
export function realMode(sregs: X86Sregs): X86Sregs {
  return withSegments({ ...sregs, idt: { ...none, limit: 0x3ff } }, 16, 0, 0);
}

const usualSelectors = { code: 0x08, data: 0x10 };

/** Protected mode without paging and flat segments, whether or not the GDT has them. */
export function protectedMode(sregs: X86Sregs, tables: GuestTables = {}): X86Sregs {
  const { code, data } = tables.selectors ?? usualSelectors;
  return {
    ...withSegments(sregs, 32, code, data),
    gdt: table(tables.gdt),
    idt: table(tables.idt),
    cr0: protectedModeCr0,
  };
}

/** Long mode and flat segments. @param cr3 guest-physical address of the page tables */
export function longMode(sregs: X86Sregs, cr3: bigint, tables: GuestTables = {}): X86Sregs {
  const { tss } = tables;
  const { code, data } = tables.selectors ?? usualSelectors;
  return {
    ...withSegments(sregs, 64, code, data),
    gdt: table(tables.gdt),
    idt: table(tables.idt),
    tr: {
      ...sregs.tr,
      ...(tss && { base: tss.base, selector: tss.selector, limit: 0x67 }),
      type: busyTssType,
      present: 1,
      s: 0,
      unusable: 0,
    },
    cr3,
    ...longModeControl,
  };
}
