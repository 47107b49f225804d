// node scripts/bundle.mjs: the last step of the build, after tsc and scripts/prebuild.mjs. Makes the command line one script,
// dist/cli/main.script, with V8's code cache for it beside it, and dist/cli/main.js, which runs it: a process that reads and
// compiles three hundred modules starts a third of a second later. dist/cli/regions.js and its files are the same for the thread
// that compiles hot code.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { MessageChannel, Worker } from "node:worker_threads";
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

async function bundle(entry, name) {
  const { outputFiles } = await build({
    entryPoints: [path(entry)],
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
  const [output] = outputFiles;
  const body = output.text.replace(/^#!.*\n/, "");
  // V8 takes a cache for its script's if that is as long, and crashes where it is another one.
  rmSync(path(`dist/cli/${name}.cache`), { force: true });
  replace(`dist/cli/${name}.script`, `(function (require, module, exports, moduleUrl) {${body}\n})`);
  replace(`dist/cli/${name}.js`, read("scripts/launcher.cjs"), 0o755);
}

await bundle("src/cli/main.ts", "main");
await bundle("src/cli/regions/thread.ts", "regions");
// tsc's modules there are not used by anything but this script.
replace("dist/cli/package.json", '{ "type": "commonjs" }\n');

const cacheWriter = { ...process.env, VMEXIT_WRITE_CODE_CACHE: "1" };

/** Has the thread compile pieces of a guest, and end. */
async function warmRegions() {
  const { port1, port2 } = new MessageChannel();
  const sent = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(path("dist/cli/regions.js"), {
    workerData: { port: port2, sent },
    transferList: [port2],
    env: cacheWriter,
  });
  const ended = once(worker, "exit");
  const words = new Int32Array(
    new Uint8Array(read("guests/arm64/demo/demo.elf")).buffer.slice(0x1000, 0x2000),
  );
  const states = new Uint8Array(1024).fill(2 | 4);
  const roots = Array.from({ length: 40 }, (_, i) => i * 16);
  port1.postMessage({
    number: 0,
    whole: false,
    pages: [{ page: 0, words, states, slots: 0x68_0000, roots, places: roots }],
  });
  const [result] = await once(port1, "message");
  if (result.module === undefined) throw new Error("the thread for regions compiles nothing");
  port1.close();
  await ended;
}
await warmRegions();

// The code cache holds what this run has compiled. V8 refuses it if it is another version's, and does without.
const made = spawnSync(
  process.execPath,
  [path("dist/cli/main.js"), "run", path("guests/arm64/hello/hello.elf"), "--stats"],
  { env: cacheWriter, stdio: ["ignore", "ignore", "inherit"] },
);
if (made.status !== 0) throw new Error("the bundle does not run");
