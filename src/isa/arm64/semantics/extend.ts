import type { Builder, Value } from "../../../engine/ir/builder.ts";
import { type GeneralRegister, getW } from "./registers.ts";

/**
 * A register extended to 64 bits: `option` 0–7 is UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX.
 * Arm ARM J1.3 `ExtendReg`, without the shift.
 */
export function extended(b: Builder, source: GeneralRegister, option: number): Value<"i64"> {
  switch (option) {
    case 0:
      return b.i64.and(b.get(source), 0xffn);
    case 1:
      return b.i64.and(b.get(source), 0xffffn);
    case 2:
      return b.i64.extend_i32_u(getW(b, source));
    case 4:
      return b.i64.extend8_s(b.get(source));
    case 5:
      return b.i64.extend16_s(b.get(source));
    case 6:
      return b.i64.extend_i32_s(getW(b, source));
    default:
      return b.get(source);
  }
}
