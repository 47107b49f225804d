#!/usr/bin/env node
// Runs the command line as scripts/bundle.mjs has built it: one script, with V8's code cache for it if that is of this V8.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

const filename = fileURLToPath(new URL("vmexit.script", import.meta.url));
const cache = fileURLToPath(new URL("vmexit.cache", import.meta.url));

function readCache() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

// All of it is ASCII.
const script = new Script(readFileSync(filename, "latin1"), { filename, cachedData: readCache() });
if (process.env.VMEXIT_WRITE_CODE_CACHE === "1") {
  process.on("exit", () => {
    writeFileSync(`${cache}.${process.pid}`, script.createCachedData());
    renameSync(`${cache}.${process.pid}`, cache);
  });
}
const module = { exports: {} };
script.runInThisContext()(createRequire(import.meta.url), module, module.exports, import.meta.url);
