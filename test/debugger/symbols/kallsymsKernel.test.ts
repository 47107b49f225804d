import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { KernelSymbols } from "../../../src/debugger/symbols/kallsyms/recover.ts";
import { recoverKallsyms } from "../../../src/debugger/symbols/kallsyms/recover.ts";
import { kernelWitness, readKernelImage } from "./support/kernelImage.ts";

const witness = kernelWitness();
if (witness.path === undefined) console.warn(witness.skipReason);

describe.skipIf(witness.path === undefined)(`kallsyms of a real kernel ${witness.skipReason}`, () => {
  let image: Uint8Array;
  let kernel: KernelSymbols;
  beforeAll(() => {
    image = readKernelImage(witness.path ?? "");
    kernel = recoverKallsyms(image);
  });

  it("has what every kernel has, where it must be", () => {
    const byName = new Map(kernel.symbols.map((symbol) => [symbol.name, symbol]));
    expect(kernel.symbols.length).toBeGreaterThan(10_000);
    expect(kernel.textBase % 0x1000n).toBe(0n);
    expect(byName.get("vectors")?.address).toSatisfy((address: bigint) => address % 0x800n === 0n);
    // booting.rst: the second instruction of the header branches to the entry point.
    const branch = new DataView(image.buffer, image.byteOffset).getInt32(4, true);
    const target = kernel.textBase + 4n + BigInt((branch << 6) >> 4);
    expect(byName.get("primary_entry")?.address).toBe(target);
  });

  it("agrees with the table of exported symbols, which is written by other means", () => {
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    const text = new TextDecoder("latin1").decode(image);
    const byName = new Map<string, bigint[]>();
    for (const { name, address } of kernel.symbols) byName.set(name, [...(byName.get(name) ?? []), address]);
    const exported = [
      "schedule",
      "vfree",
      "kfree",
      "__kmalloc",
      "jiffies_to_msecs",
      "ktime_get",
      "wake_up_process",
      "vsnprintf",
    ];
    let compared = 0;
    for (const name of exported) {
      const strings: number[] = [];
      for (let at = text.indexOf(`${name}\0`); at >= 0; at = text.indexOf(`${name}\0`, at + 1))
        strings.push(at);
      for (let at = 4; at + 4 <= image.length; at += 4) {
        // struct kernel_symbol { int value_offset, name_offset, … }, each relative to itself.
        const target = at + view.getInt32(at, true);
        if (!strings.includes(target)) continue;
        const value = kernel.textBase + BigInt(at - 4 + view.getInt32(at - 4, true));
        if (byName.get(name)?.includes(value)) compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(exported.length - 2);
  });

  // Only for whoever has the kernel's true System.map, which Debian's package does not: naming one adds the comparison.
  const map = process.env["VMEXIT_SYSTEM_MAP"];
  if (map !== undefined) {
    it("agrees with VMEXIT_SYSTEM_MAP in every symbol", () => {
      const lines = new Map<string, number>();
      for (const line of readFileSync(map, "utf8").split("\n")) lines.set(line, (lines.get(line) ?? 0) + 1);
      const missing = kernel.symbols.filter(({ name, type, address }) => {
        const line = `${address.toString(16).padStart(16, "0")} ${type} ${name}`;
        const left = lines.get(line) ?? 0;
        lines.set(line, left - 1);
        return left === 0;
      });
      expect(missing).toEqual([]);
    });
  }
});
