// node scripts/bundle.mjs: the last step of the build, after tsc and scripts/prebuild.mjs. Makes the command line one script,
// dist/cli/vmexit.script, with V8's code cache for it beside it, and dist/cli/main.js, which runs it: a process that reads and
// compiles three hundred modules starts a third of a second later.
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const project = new URL("../", import.meta.url);
const path = (name) => new URL(name, project).pathname;
const read = (name) => readFileSync(path(name));

/** Whole at once: another process may be starting. */
function replace(name, content, mode = 0o644) {
  const target = path(name);
  writeFileSync(`${target}.${process.pid}`, content, { mode });
  renameSync(`${target}.${process.pid}`, target);
}

const { version } = JSON.parse(read("package.json").toString());
const { fingerprintOf } = await import(path("dist/vmm/interpreterFile.js"));
const fingerprint = fingerprintOf(new Uint8Array(read("dist/prebuilt/arm64.interpreter")));

/** What a start does without: Node's own modules that are loaded when somebody asks for something of theirs. */
const lateModules = {
  name: "late modules",
  setup({ onResolve, onLoad }) {
    // Commander would start programs for subcommands with it; there are none.
    onResolve({ filter: /^node:child_process$/ }, ({ path: name, importer }) =>
      importer.includes("/commander/") ? { path: name, namespace: "late" } : undefined,
    );
    onResolve({ filter: /.*/, namespace: "late" }, ({ path: name }) => ({ path: name, external: true }));
    onLoad({ filter: /.*/, namespace: "late" }, ({ path: name }) => ({
      contents: `module.exports = { get spawn() { return require(${JSON.stringify(name)}).spawn; } };`,
    }));
  },
};

const { outputFiles } = await build({
  entryPoints: [path("src/cli/main.ts")],
  write: false,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // Names stay, for the traces of errors.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "inline",
  // Found where it is installed, and only when it is asked for.
  external: ["koffi"],
  plugins: [lateModules],
  define: {
    // What src/cli/build.ts reads.
    VMEXIT_VERSION: JSON.stringify(version),
    VMEXIT_INTERPRETER: JSON.stringify(fingerprint),
    // A parameter of the function that the script is.
    "import.meta.url": "moduleUrl",
  },
  logLevel: "warning",
});
const [bundle] = outputFiles;
const body = bundle.text.replace(/^#!.*\n/, "");
replace("dist/cli/vmexit.script", `(function (require, module, exports, moduleUrl) {${body}\n})`);
replace("dist/cli/main.js", read("scripts/launcher.cjs"), 0o755);
// tsc's modules there are not used by anything but this script.
replace("dist/cli/package.json", '{ "type": "commonjs" }\n');

// The code cache holds what this run has compiled. V8 refuses it if it is another version's, and does without.
const made = spawnSync(
  process.execPath,
  [path("dist/cli/main.js"), "run", path("guests/arm64/hello/hello.elf"), "--stats"],
  { env: { ...process.env, VMEXIT_WRITE_CODE_CACHE: "1" }, stdio: ["ignore", "ignore", "inherit"] },
);
if (made.status !== 0) throw new Error("the bundle does not run");
