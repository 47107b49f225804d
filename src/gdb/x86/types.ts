import type { RegisterType, TypeField } from "../architecture.ts";

const bit = (name: string, at: number): TypeField => ({ name, start: at, end: at });

/** RFLAGS as gdb shows it (gdb: features/i386/64bit-core.xml; Intel SDM volume 1, 3.4.3). */
export const EFLAGS: RegisterType = {
  kind: "flags",
  id: "i386_eflags",
  bytes: 4,
  fields: [
    bit("CF", 0),
    bit("PF", 2),
    bit("AF", 4),
    bit("ZF", 6),
    bit("SF", 7),
    bit("TF", 8),
    bit("IF", 9),
    bit("DF", 10),
    bit("OF", 11),
    { name: "IOPL", start: 12, end: 13 },
    bit("NT", 14),
    bit("RF", 16),
    bit("VM", 17),
    bit("AC", 18),
    bit("VIF", 19),
    bit("VIP", 20),
    bit("ID", 21),
  ],
};

/** MXCSR (Intel SDM volume 1, 10.2.3). */
const MXCSR: RegisterType = {
  kind: "flags",
  id: "i386_mxcsr",
  bytes: 4,
  fields: [
    bit("IE", 0),
    bit("DE", 1),
    bit("ZE", 2),
    bit("OE", 3),
    bit("UE", 4),
    bit("PE", 5),
    bit("DAZ", 6),
    bit("IM", 7),
    bit("DM", 8),
    bit("ZM", 9),
    bit("OM", 10),
    bit("UM", 11),
    bit("PM", 12),
    { name: "RC", start: 13, end: 14 },
    bit("FZ", 15),
  ],
};

const vectors: readonly (readonly [string, string, number])[] = [
  ["v4f", "ieee_single", 4],
  ["v2d", "ieee_double", 2],
  ["v16i8", "int8", 16],
  ["v8i16", "int16", 8],
  ["v4i32", "int32", 4],
  ["v2i64", "int64", 2],
];

/** The views of an XMM register, and MXCSR's fields. */
export const SSE_TYPES: readonly RegisterType[] = [
  ...vectors.map(([id, element, count]): RegisterType => ({ kind: "vector", id, element, count })),
  {
    kind: "union",
    id: "vec128",
    fields: [
      { name: "v4_float", type: "v4f" },
      { name: "v2_double", type: "v2d" },
      { name: "v16_int8", type: "v16i8" },
      { name: "v8_int16", type: "v8i16" },
      { name: "v4_int32", type: "v4i32" },
      { name: "v2_int64", type: "v2i64" },
      { name: "uint128", type: "uint128" },
    ],
  },
  MXCSR,
];
