import { afterEach, describe, expect, it, vi } from "vitest";
import { REQUIRE_TOOLS_VARIABLE, requireTool } from "./tools.ts";

describe("requireTool", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("says that a missing program is missing and how to get it", () => {
    vi.stubEnv("PATH", "/nowhere");
    vi.stubEnv(REQUIRE_TOOLS_VARIABLE, "");
    expect(requireTool("dtc")).toEqual({
      available: false,
      reason: "dtc is not on PATH (Debian: apt-get install device-tree-compiler)",
    });
  });

  it("makes a missing program an error where tools are required", () => {
    vi.stubEnv("PATH", "/nowhere");
    vi.stubEnv(REQUIRE_TOOLS_VARIABLE, "1");
    expect(() => requireTool("clang")).toThrow(/clang and ld.lld are not on PATH.*VMEXIT_REQUIRE_TOOLS=1/);
  });

  it("never makes an error of hardware that a machine has not", () => {
    vi.stubEnv(REQUIRE_TOOLS_VARIABLE, "1");
    expect(typeof requireTool("/dev/kvm").available).toBe("boolean");
  });
});
