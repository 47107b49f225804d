import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";

/** One source file of `src/`. */
export type SourceFile = {
  /** Its path from `src/`, with slashes. */
  readonly path: string;
  /** Paths from `src/` of the project files it imports, types included. */
  readonly imports: readonly string[];
  /** The same without those that are `import type` or `export type`, which leave nothing at run time. */
  readonly runtimeImports: readonly string[];
  /** Packages and `node:` modules it imports. */
  readonly packages: readonly string[];
  readonly lines: number;
  /** Its text without comments. */
  readonly code: string;
};

const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^"';]*?\sfrom\s*)?"([^"]+)"|\bimport\(\s*"([^"]+)"/g;

/** Remove comments; text in strings that looks like one goes too, which no check here minds. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

/** An import in a TypeScript text: what it names, and whether it imports types only. */
export type Import = { readonly specifier: string; readonly typeOnly: boolean };

/** The imports and re-exports in a TypeScript text, static and dynamic, in order. */
export function findImports(text: string): Import[] {
  return [...withoutComments(text).matchAll(IMPORT)].map((match) => ({
    specifier: match[1] ?? match[2] ?? "",
    typeOnly: /^\s*(import|export)\s+type\s/.test(match[0]),
  }));
}

/** Read every `.ts` file under a source folder. */
export function readSourceTree(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const imports = findImports(text).map(({ specifier, typeOnly }) => {
        const inProject = specifier.startsWith(".");
        return {
          target: inProject ? normalize(join(path, "..", specifier)) : specifier,
          inProject,
          typeOnly,
        };
      });
      const own = imports.filter(({ inProject }) => inProject);
      return {
        path,
        imports: own.map(({ target }) => target),
        runtimeImports: own.filter(({ typeOnly }) => !typeOnly).map(({ target }) => target),
        packages: imports.filter(({ inProject }) => !inProject).map(({ target }) => target),
        lines: text.split("\n").length - 1,
        code: withoutComments(text),
      };
    });
}

/** One cycle of imports at run time among the files, as the paths around it, or undefined when there is none. */
export function findCycle(
  files: readonly Pick<SourceFile, "path" | "runtimeImports">[],
): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): string[] | undefined => {
    if (done.has(path)) return undefined;
    const start = trail.indexOf(path);
    if (start >= 0) return [...trail.slice(start), path];
    trail.push(path);
    for (const next of byPath.get(path)?.runtimeImports ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
