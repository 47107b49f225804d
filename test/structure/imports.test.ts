import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findCycle, findImports, readSourceTree, type SourceFile } from "./sourceTree.ts";

const project = new URL("../..", import.meta.url).pathname;
const files = readSourceTree(join(project, "src"));
const layerOf = (path: string): string => path.split("/")[0] ?? path;

/** Which folders of src each folder may import, itself always among them. Lower layers come first. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  engine: [],
  isa: ["engine"],
  cpu: ["engine", "isa"],
  machine: ["engine", "isa", "cpu"],
  kvm: ["engine", "isa", "cpu", "machine"],
  vmm: ["engine", "isa", "cpu", "machine", "kvm"],
  debugger: ["isa", "machine", "kvm", "vmm"],
  gdb: ["isa", "machine", "kvm", "vmm", "debugger"],
  dap: ["isa", "machine", "kvm", "vmm", "debugger"],
  web: ["isa", "machine", "kvm", "vmm", "debugger", "gdb", "dap"],
  cli: ["isa", "machine", "kvm", "vmm", "debugger", "gdb", "dap", "web"],
};

/** Where Node's own modules and globals may be used; everything else must run in a browser. */
const MAY_USE_NODE: readonly RegExp[] = [/^cli\//, /^kvm\/linux\//, /^(gdb|dap)\/(socket|server|stdio)\.ts$/];

const mayUseNode = (file: SourceFile): boolean => MAY_USE_NODE.some((pattern) => pattern.test(file.path));

const NODE_GLOBALS =
  /\bBuffer\.(from|alloc|concat|byteLength|isBuffer)|\bprocess\.(env|argv|std|exit|on|cwd|nextTick|hrtime|platform)|\bconsole\.(log|error|warn|info|debug)|(?<![.\w#])require\("/;

const ARCHITECTURES = ["arm64", "x86_64", "loongarch64"];
const architectureOf = (path: string): string | undefined =>
  path.split("/").find((part) => ARCHITECTURES.includes(part));

describe("the source tree", () => {
  it("has only folders that the table of layers knows", () => {
    const unknown = new Set(
      files.filter((file) => file.path.includes("/")).map((file) => layerOf(file.path)),
    );
    for (const layer of Object.keys(MAY_IMPORT)) unknown.delete(layer);
    expect([...unknown]).toEqual([]);
  });

  it("imports only downwards", () => {
    const wrong = files.flatMap((file) => {
      const layer = layerOf(file.path);
      // A file directly in src (the package's entry) may import anything.
      const allowed = MAY_IMPORT[layer];
      if (allowed === undefined) return [];
      return file.imports
        .filter((target) => layerOf(target) !== layer && !allowed.includes(layerOf(target)))
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it("has no cycle of imports at run time", () => {
    expect(findCycle(files)).toBeUndefined();
  });

  it("keeps one architecture's folders out of another's", () => {
    const wrong = files.flatMap((file) => {
      const own = architectureOf(file.path);
      if (own === undefined) return [];
      return file.imports
        .filter((target) => ![own, undefined].includes(architectureOf(target)))
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it("imports Node's modules and packages in front ends and the Linux substrate only", () => {
    const wrong = files
      .filter((file) => !mayUseNode(file))
      .flatMap((file) => file.packages.map((name) => `${file.path} imports ${name}`));
    expect(wrong).toEqual([]);
  });

  it("uses Buffer, process and console nowhere else either", () => {
    const wrong = files
      .filter((file) => !mayUseNode(file))
      .filter((file) => NODE_GLOBALS.test(file.code))
      .map((file) => file.path);
    expect(wrong).toEqual([]);
  });

  it("keeps its files small: nine in ten under 350 lines", () => {
    const byLength = [...files].sort((a, b) => a.lines - b.lines);
    const p90 = byLength[Math.floor(byLength.length * 0.9)]?.lines ?? 0;
    const median = byLength[Math.floor(byLength.length / 2)]?.lines ?? 0;
    const largest = byLength
      .slice(-8)
      .reverse()
      .map((file) => `${file.path} ${file.lines}`);
    const report = `${files.length} files, median ${median} lines, p90 ${p90}; largest: ${largest.join(", ")}`;
    process.stdout.write(`src: ${report}\n`);
    expect(p90, report).toBeLessThan(350);
  });

  it("is described: docs/ names every folder of src", () => {
    const docs = readdirSync(join(project, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => readFileSync(join(project, "docs", name), "utf8"))
      .join("\n");
    const folders = new Set(
      files.filter((file) => file.path.includes("/")).map((file) => layerOf(file.path)),
    );
    expect([...folders].filter((folder) => !docs.includes(`src/${folder}`))).toEqual([]);
  });
});

describe("the reader of imports", () => {
  it("sees every form of import, and none in comments", () => {
    const text = [
      'import { a } from "./a.ts";',
      "import type { B,",
      '  C } from "../b.ts";',
      'export * from "./c.ts";',
      'import "node:fs";',
      'const d = await import("./d.ts");',
      '// import { e } from "./e.ts";',
      '/* import "./f.ts" */',
    ].join("\n");
    expect(findImports(text)).toEqual([
      { specifier: "./a.ts", typeOnly: false },
      { specifier: "../b.ts", typeOnly: true },
      { specifier: "./c.ts", typeOnly: false },
      { specifier: "node:fs", typeOnly: false },
      { specifier: "./d.ts", typeOnly: false },
    ]);
  });

  it("finds a cycle and names its files", () => {
    const file = (path: string, ...runtimeImports: string[]) => ({ path, runtimeImports });
    expect(findCycle([file("a", "b"), file("b", "c"), file("c", "b")])).toEqual(["b", "c", "b"]);
    expect(findCycle([file("a", "b", "c"), file("b", "c"), file("c")])).toBeUndefined();
  });
});
