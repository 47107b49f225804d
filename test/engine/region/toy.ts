import type { Builder, StateField, Value } from "../../../src/engine/ir/builder.ts";
import { field, instructionSetState, registerOperand } from "../../../src/engine/layout.ts";
import type {
  CachedState,
  DecodedInstruction,
  InstructionSet,
  Operation,
} from "../../../src/engine/operation.ts";
import type { ValueType } from "../../../src/engine/wasm/types.ts";

/** The toy's state: eight registers, a vector and flags, which are cached, and two words that are not. */
export const toyState = {
  vector: field("v128", instructionSetState + 0x40),
  zero: field("i64", instructionSetState + 0x50),
  carry: field("i32", instructionSetState + 0x58),
  trap: field("i32", instructionSetState + 0x60),
  plain: field("i64", instructionSetState + 0x68),
} as const satisfies Record<string, StateField<"i32" | "i64" | "v128">>;

/** Address of register number n, 0–7. */
export const r = (n: number): number => instructionSetState + 8 * n;

/** Constants that stand in the expansions of the flag producers and nowhere else. */
export const producerMarks = { sub: 0x5151_5151_5151n, inc: 0x1c1c_1c1c_1c1cn } as const;

const [d, n, m] = [registerOperand("i64", 0), registerOperand("i64", 1), registerOperand("i64", 2)] as const;

/** An operation with that many register operands and, after these, 32-bit integers. */
function operation(
  registers: number,
  integers: number,
  meaning: (b: Builder) => void,
): Omit<Operation, "name"> {
  return {
    operands: [...Array<"register">(registers).fill("register"), ...Array<"i32">(integers).fill("i32")],
    hot: registers === 3,
    meaning,
  };
}

const compare = (b: Builder, x: typeof d, y: typeof d): void => {
  const [left, right] = [b.get(x), b.get(y)];
  b.flags("sub", left, right, b.i64.sub(left, right));
};

const low = (b: Builder, x: typeof d) => b.i32.wrap_i64(b.get(x));

/** The second register and an immediate. */
const near = (b: Builder) => b.i64.add(b.get(n), b.i64.extend_i32_s(b.operand("i32", 2)));

const operations = {
  undefined: operation(0, 0, (b) => b.raise("undefined")),
  nothing: operation(0, 0, () => {}),
  add: operation(3, 0, (b) => b.set(d, b.i64.add(b.get(n), b.get(m)))),
  move: operation(2, 0, (b) => b.set(d, b.get(n))),
  addImmediate: operation(2, 1, (b) =>
    b.set(d, b.i64.add(b.get(n), b.i64.extend_i32_s(b.operand("i32", 2)))),
  ),
  /** Shifts by an immediate unless that is zero. */
  shiftUnlessZero: operation(2, 1, (b) =>
    b.if(
      b.operand("i32", 2),
      () => b.set(d, b.i64.shl(b.get(n), b.i64.extend_i32_u(b.operand("i32", 2)))),
      () => b.hostVoid("call"),
    ),
  ),
  writeLow: operation(2, 0, (b) => b.write("i32", d.place, 0, b.read("i32", n.place, 4))),
  writeHigh: operation(2, 0, (b) => b.write("i32", d.place, 4, b.read("i32", n.place, 0))),
  writeSingle: operation(2, 0, (b) => b.write("f32", d.place, 4, b.read("f32", n.place, 0))),
  writeDouble: operation(2, 0, (b) => b.write("f64", d.place, 0, b.read("f64", n.place, 0))),
  /** Reads the halves of two neighbours. */
  readAcross: operation(2, 0, (b) => b.set(d, b.read("i64", n.place, 4))),
  insertLane: operation(1, 0, (b) => b.write("i64", toyState.vector.place, 8, b.get(d))),
  insertWord: operation(1, 0, (b) => b.write("i32", toyState.vector.place, 4, b.read("i32", d.place, 0))),
  insertSingle: operation(1, 0, (b) => b.write("f32", toyState.vector.place, 8, b.read("f32", d.place, 4))),
  insertDouble: operation(1, 0, (b) => b.write("f64", toyState.vector.place, 0, b.read("f64", d.place, 0))),
  splat: operation(1, 0, (b) => b.set(toyState.vector, b.i32x4.splat(b.read("i32", d.place, 0)))),
  extractLane: operation(1, 0, (b) => b.set(d, b.read("i64", toyState.vector.place, 8))),
  extractWord: operation(1, 0, (b) => b.set(d, b.i64.extend_i32_u(b.read("i32", toyState.vector.place, 12)))),
  compare: operation(2, 0, (b) => compare(b, d, n)),
  /** Leaves the carry alone. */
  increment: operation(1, 0, (b) => {
    const sum = b.i64.add(b.get(d), 1n);
    b.flags("inc", sum);
    b.set(d, sum);
  }),
  compareAndRead: operation(3, 0, (b) => {
    compare(b, n, m);
    b.set(d, b.i64.extend_i32_u(b.get(toyState.carry)));
  }),
  compareIf: operation(3, 0, (b) => b.if(low(b, d), () => compare(b, n, m))),
  compareEither: operation(3, 0, (b) =>
    b.if(
      low(b, d),
      () => b.flags("inc", b.get(n)),
      () => compare(b, n, m),
    ),
  ),
  readZero: operation(1, 0, (b) => b.set(d, b.get(toyState.zero))),
  readCarry: operation(1, 0, (b) => b.set(d, b.i64.extend_i32_u(b.get(toyState.carry)))),
  writeCarry: operation(1, 0, (b) => b.set(toyState.carry, b.i32.and(low(b, d), 1))),
  moveIf: operation(3, 0, (b) => b.if(low(b, m), () => b.set(d, b.get(n)))),
  moveEither: operation(3, 0, (b) =>
    b.if(
      low(b, m),
      () => b.set(d, b.get(n)),
      () => b.set(d, b.i64.sub(0n, b.get(n))),
    ),
  ),
  sumBelow: operation(2, 0, (b) => {
    const left = b.variable("i64", b.i64.and(b.get(n), 7n));
    b.while(
      () => b.i64.ne(b.use(left), 0n),
      () => {
        b.set(d, b.i64.add(b.get(d), b.use(left)));
        b.assign(left, b.i64.sub(b.use(left), 1n));
      },
    );
  }),
  pc: operation(1, 0, (b) => b.set(d, b.pc())),
  plain: operation(1, 0, (b) => b.set(toyState.plain, b.i64.add(b.get(toyState.plain), b.get(d)))),
  load: operation(2, 0, (b) => b.set(d, b.load("i64", "i64.load", b.get(n)))),
  store: operation(2, 0, (b) => b.store("i64", "i64.store", b.get(n), b.get(d))),
  loadNear: operation(2, 1, (b) => b.set(d, b.load("i64", "i64.load", near(b)))),
  storeNear: operation(2, 1, (b) => b.store("i64", "i64.store", near(b), b.get(d))),
  loadByteNear: operation(2, 1, (b) => b.set(d, b.load("i64", "i64.load8_u", near(b)))),
  /** The load half of what may store, from behind the sum; the base register becomes the sum. */
  loadAndMove: operation(2, 1, (b) => {
    const address = near(b);
    b.set(d, b.load("i64", "i64.load", b.i64.sub(address, 8n), { willWrite: true }));
    b.set(n, address);
  }),
  /** Two registers side by side. */
  loadPair: operation(3, 0, (b) => {
    const pair = b.load("v128", "v128.load", b.get(m), { element: 8 });
    b.set(d, b.i64x2.extract_lane(0, pair));
    b.set(n, b.i64x2.extract_lane(1, pair));
  }),
  storePair: operation(3, 0, (b) => {
    const pair = b.i64x2.replace_lane(1, b.i64x2.splat(b.get(d)), b.get(n));
    b.store("v128", "v128.store", b.get(m), pair, { element: 8 });
  }),
  /** A pair that is also used as it is. */
  loadWide: operation(2, 0, (b) => {
    const pair = b.load("v128", "v128.load", b.get(n), { element: 8 });
    b.set(toyState.vector, pair);
    b.set(d, b.i64x2.extract_lane(1, pair));
  }),
  storeWide: operation(1, 0, (b) => b.store("v128", "v128.store", b.get(d), b.get(toyState.vector))),
  /** A sum that is at the same time where it is stored. */
  storePairBefore: operation(2, 1, (b) => {
    const address = near(b);
    const pair = b.i64x2.replace_lane(1, b.i64x2.splat(b.get(d)), address);
    b.store("v128", "v128.store", address, pair, { element: 8 });
    b.set(n, address);
  }),
  /** To an address and to the same in the next page. */
  storeTwice: operation(2, 0, (b) => {
    b.store("i64", "i64.store", b.get(n), b.get(d));
    b.store("i64", "i64.store", b.i64.add(b.get(n), 0x1000n), b.get(d));
  }),
  guarded: operation(1, 0, (b) => {
    b.guard(toyState.trap, "trap");
    b.set(d, b.i64.add(b.get(d), 1n));
  }),
  /** Guards with a flag, which is cached. */
  guardedByCarry: operation(1, 0, (b) => {
    b.guard(toyState.carry, "trap");
    b.set(d, b.i64.add(b.get(d), 1n));
  }),
  /** Jumps before it looks at the guard. */
  jumpOrGuarded: operation(1, 1, (b) => {
    b.if(low(b, d), () => b.jumpRelative(b.operand("i32", 1)));
    b.guard(toyState.trap, "trap");
  }),
  setTrap: operation(1, 0, (b) => b.set(toyState.trap, low(b, d))),
  jump: operation(0, 1, (b) => b.jumpRelative(b.operand("i32", 0))),
  jumpIfZero: operation(0, 1, (b) =>
    b.if(b.i64.eqz(b.get(toyState.zero)), () => b.jumpRelative(b.operand("i32", 0))),
  ),
  /** By condition number 0: the zero flag is the producer's mark. */
  jumpIfEqual: operation(0, 1, (b) =>
    b.if(
      b.condition(0, () => b.i64.eq(b.get(toyState.zero), producerMarks.sub)),
      () => b.jumpRelative(b.operand("i32", 0)),
    ),
  ),
  jumpIfNotZero: operation(0, 1, (b) =>
    b.if(b.i64.ne(b.get(toyState.zero), 0n), () => b.jumpRelative(b.operand("i32", 0))),
  ),
  linkAndJump: operation(1, 1, (b) => {
    b.set(d, b.i64.add(b.pc(), 4n));
    b.jumpRelative(b.operand("i32", 1));
  }),
  jumpTo: operation(1, 0, (b) => b.jump(b.get(d))),
  /** Writes only where it jumps. */
  linkAndJumpIf: operation(2, 1, (b) =>
    b.if(low(b, n), () => {
      b.set(d, b.pc());
      b.jumpRelative(b.operand("i32", 2));
    }),
  ),
  /** Compares, and jumps only after that. */
  compareAndJump: operation(2, 1, (b) => {
    compare(b, d, n);
    b.if(low(b, d), () => b.jumpRelative(b.operand("i32", 2)));
  }),
  /** Jumps before it compares. */
  jumpOrCompare: operation(2, 1, (b) => {
    b.if(low(b, d), () => b.jumpRelative(b.operand("i32", 2)));
    compare(b, d, n);
  }),
  call: operation(0, 0, (b) => b.hostVoid("call")),
  callIf: operation(2, 0, (b) => {
    const result = b.variable("i64", b.get(n));
    b.if(low(b, n), () => b.assign(result, b.host("result", "i64")));
    b.set(d, b.use(result));
  }),
  /** The rest cannot be repeated from their start when they leave. */
  callIfAfterWrite: operation(2, 0, (b) => {
    b.set(d, b.i64.add(b.get(d), 1n));
    b.if(low(b, n), () => b.hostVoid("call"));
  }),
  loadAfterStore: operation(2, 0, (b) => {
    b.store("i64", "i64.store", b.get(n), b.get(d));
    b.set(d, b.load("i64", "i64.load", b.i64.add(b.get(n), 0x1000n)));
  }),
  loadAndStoreTwice: operation(2, 0, (b) => {
    const sum = b.i64.add(b.load("i64", "i64.load", b.get(n)), 1n);
    b.store("i64", "i64.store", b.get(n), sum);
    b.store("i64", "i64.store", b.i64.add(b.get(n), 0x1000n), sum);
  }),
} as const satisfies Record<string, Omit<Operation, "name">>;

/** Name of an operation of the toy. */
export type ToyOperation = keyof typeof operations;

/** An instruction: the operation's name, addresses of its registers, its integers. */
export type ToyInstruction = readonly [ToyOperation, ...number[]];

/** How many registers, then how many integers each operation takes. */
export const toyOperands = Object.fromEntries(
  Object.entries(operations).map(([name, { operands }]) => {
    const registers = operands.filter((kind) => kind === "register").length;
    return [name, { registers, integers: operands.length - registers }];
  }),
) as Readonly<Record<ToyOperation, { readonly registers: number; readonly integers: number }>>;

function i64(value: Value<ValueType> | undefined): Value<"i64"> {
  if (value?.type !== "i64") throw new TypeError("flag producer wants an i64");
  return value as Value<"i64">;
}

const names = Object.keys(operations) as ToyOperation[];

/** The instruction as decoded. */
export function toyDecode([name, ...operands]: ToyInstruction): DecodedInstruction {
  return { operation: names.indexOf(name), operands };
}

/** An instruction set that exercises the region compiler. `program` has the instruction of each word. */
export function toySet(program: (word: number) => ToyInstruction | undefined): InstructionSet {
  return {
    name: "toy",
    operations: names.map((name) => ({ name, ...operations[name] })),
    undefinedOperation: names.indexOf("undefined"),
    flags: {
      producers: {
        sub: (b, [x, y, result]) => {
          b.set(toyState.zero, b.i64.xor(i64(result), producerMarks.sub));
          b.set(toyState.carry, b.i64.ge_u(i64(x), i64(y)));
        },
        inc: (b, [result]) => b.set(toyState.zero, b.i64.xor(i64(result), producerMarks.inc)),
      },
      conditions: {
        sub: (b, condition, [x, y]) => (condition === 0 ? b.i64.eq(i64(x), i64(y)) : undefined),
      },
    },
    cachedState: [
      ...Array.from({ length: 8 }, (_, i): CachedState => ({ address: r(i), type: "i64" })),
      ...[toyState.vector, toyState.zero, toyState.carry].map(
        ({ type, place }): CachedState => ({ address: place.address, type }),
      ),
    ],
    hostCalls: {
      undefined: { params: [] },
      trap: { params: [] },
      call: { params: [] },
      result: { params: [], result: "i64" },
    },
    instructionBytes: 4,
    decode: (word) => {
      const instruction = program(word);
      return instruction && toyDecode(instruction);
    },
  };
}
