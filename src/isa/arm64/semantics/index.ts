import { addSubtractImmediate } from "./addSubtractImmediate.ts";
import { addSubtractRegister } from "./addSubtractRegister.ts";
import { atomics } from "./atomics.ts";
import { bitfield } from "./bitfield.ts";
import { branches } from "./branches.ts";
import { conditional } from "./conditional.ts";
import { crc32 } from "./crc32.ts";
import type { Definition } from "./define.ts";
import { exceptions } from "./exceptions.ts";
import { exclusive } from "./exclusive.ts";
import { floatingPoint } from "./floatingPoint/index.ts";
import { hints } from "./hints.ts";
import { loadStore } from "./loadStore.ts";
import { loadStorePair } from "./loadStorePair.ts";
import { loadStoreVector } from "./loadStoreVector.ts";
import { logical } from "./logical.ts";
import { moves } from "./moves.ts";
import { multiplyDivide } from "./multiplyDivide.ts";
import { shiftsAndBits } from "./shiftsAndBits.ts";
import { simd } from "./simd/index.ts";
import { system } from "./system.ts";

/** What every A64 instruction does, in no particular order. */
export const a64Definitions: readonly Definition[] = [
  ...addSubtractImmediate,
  ...addSubtractRegister,
  ...atomics,
  ...bitfield,
  ...branches,
  ...conditional,
  ...crc32,
  ...exceptions,
  ...exclusive,
  ...floatingPoint,
  ...hints,
  ...loadStore,
  ...loadStorePair,
  ...loadStoreVector,
  ...logical,
  ...moves,
  ...multiplyDivide,
  ...shiftsAndBits,
  ...simd,
  ...system,
];
