#!/usr/bin/env node
// Runs the program beside it as scripts/bundle.mjs has built it: one script, with V8's code cache for it if that is of this V8. Not
// a module, since Node loads what loads modules first.
"use strict";
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");
const { Script } = require("node:vm");

const filename = __filename.replace(/js$/, "script");
const cache = __filename.replace(/js$/, "cache");

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
script.runInThisContext()(require, module, exports, pathToFileURL(__filename).href);
