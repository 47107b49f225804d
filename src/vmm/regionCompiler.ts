import type { InstructionSet } from "../engine/operation.ts";
import { RegionCompiler } from "../engine/region/compile.ts";
import { type RegionJob, type RegionResult, runJob } from "../engine/region/job.ts";

export type { RegionJob, RegionResult, RegionService } from "../engine/region/job.ts";

/** What a thread does that compiles a machine's hot code: a job in, its result out. */
export function regionWorker(set: InstructionSet): (job: RegionJob) => RegionResult {
  const compiler = new RegionCompiler(set);
  return (job) => runJob(compiler, job);
}
