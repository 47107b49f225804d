// What runs in the thread that compiles hot code; a program of its own (scripts/bundle.mjs).
import { workerData } from "node:worker_threads";
import { arm64InstructionSet } from "../../isa/arm64/instructionSet.ts";
import { type RegionJob, regionWorker } from "../../vmm/regionCompiler.ts";
import type { ThreadData } from "./service.ts";

const { port, sent } = workerData as ThreadData;
const work = regionWorker(arm64InstructionSet());
port.on("message", (job: RegionJob) => {
  port.postMessage(work(job));
  Atomics.add(sent, 0, 1);
});
