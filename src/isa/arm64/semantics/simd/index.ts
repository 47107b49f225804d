import type { Definition } from "../define.ts";
import { acrossLanes } from "./acrossLanes.ts";
import { aes } from "./aes.ts";
import { byElement } from "./byElement.ts";
import { copy } from "./copy.ts";
import { modifiedImmediate } from "./modifiedImmediate.ts";
import { multipleStructures } from "./multipleStructures.ts";
import { narrow } from "./narrow.ts";
import { permute } from "./permute.ts";
import { sha1 } from "./sha1.ts";
import { sha256 } from "./sha256.ts";
import { shiftImmediate } from "./shiftImmediate.ts";
import { singleStructures } from "./singleStructures.ts";
import { threeDifferent } from "./threeDifferent.ts";
import { threeSame } from "./threeSame.ts";
import { twoRegister } from "./twoRegister.ts";

/** Advanced SIMD on integers and bits, its structure loads and stores, and the cryptographic instructions. */
export const simd: readonly Definition[] = [
  ...acrossLanes,
  ...aes,
  ...byElement,
  ...copy,
  ...modifiedImmediate,
  ...multipleStructures,
  ...narrow,
  ...permute,
  ...sha1,
  ...sha256,
  ...shiftImmediate,
  ...singleStructures,
  ...threeDifferent,
  ...threeSame,
  ...twoRegister,
];
