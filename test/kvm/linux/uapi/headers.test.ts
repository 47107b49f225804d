import { describe, expect, it } from "vitest";
import * as arm64Constants from "../../../../src/kvm/linux/uapi/arm64/constants.ts";
import { arm64Ioctls } from "../../../../src/kvm/linux/uapi/arm64/ioctls.ts";
import * as arm64Structures from "../../../../src/kvm/linux/uapi/arm64/structures.ts";
import * as constants from "../../../../src/kvm/linux/uapi/constants.ts";
import { type Layout, struct } from "../../../../src/kvm/linux/uapi/layout.ts";
import * as structures from "../../../../src/kvm/linux/uapi/structures.ts";
import * as x86Constants from "../../../../src/kvm/linux/uapi/x86_64/constants.ts";
import { x86Ioctls } from "../../../../src/kvm/linux/uapi/x86_64/ioctls.ts";
import * as x86Structures from "../../../../src/kvm/linux/uapi/x86_64/structures.ts";
import { requireTool } from "../../../support/tools.ts";
import {
  compile,
  constantAssertions,
  haveHeaders,
  kernelHeaders,
  layoutAssertions,
  unknownConstants,
} from "./headers.ts";

const clang = requireTool("clang");

const layoutsIn = (module: object): Layout[] =>
  Object.values(module).filter((value): value is Layout => typeof value === "object");

const constantsIn = (module: object): Record<string, number> =>
  Object.assign({}, ...Object.values(module).filter((value) => typeof value === "object"));

/** Newer than Debian 12's headers (Linux 6.1). */
const newer = ["KVM_EXIT_MEMORY_FAULT"];

describe.each([
  {
    architecture: "x86_64" as const,
    layouts: [...layoutsIn(structures), ...layoutsIn(x86Structures)],
    values: { ...constantsIn(constants), ...constantsIn(x86Constants), ...x86Ioctls },
  },
  {
    architecture: "arm64" as const,
    layouts: [...layoutsIn(structures), ...layoutsIn(arm64Structures)],
    values: { ...constantsIn(constants), ...constantsIn(arm64Constants), ...arm64Ioctls },
  },
])(
  "the layouts for $architecture, compared with the kernel's headers",
  ({ architecture, layouts, values }) => {
    const headers = kernelHeaders[architecture];
    const available = clang.available && haveHeaders(headers);

    it.skipIf(!available)("have every member at its offset, and every size", () => {
      expect(layouts.length).toBeGreaterThan(10);
      expect(compile(layouts.flatMap(layoutAssertions), headers)).toBe("");
    });

    it.skipIf(!available)("come with the right ioctl numbers and constants", () => {
      expect(compile(constantAssertions(values), headers)).toBe("");
      expect(unknownConstants(values, headers).filter((name) => !newer.includes(name))).toEqual([]);
    });

    it.skipIf(!available)("would fail the comparison if a member were elsewhere", () => {
      const wrong = struct("kvm_mp_state", { padding: "u32", mp_state: "u32" });
      const said = compile(layoutAssertions(wrong), headers);
      expect(said).toMatch(/static.?assert\w* failed/);
      expect(said).toContain("no member named 'padding'");
      expect(compile(constantAssertions({ KVM_EXIT_DEBUG: 5 }), headers)).toMatch(/static.?assert\w* failed/);
    });
  },
);
