import { parseArgs } from "node:util";
import { benchBoot } from "./boot.ts";
import { benchInProcess } from "./debugInProcess.ts";
import { benchProtocol, benchSlowdown } from "./debugRemote.ts";
import { benchGuests } from "./guests.ts";
import { benchSoak } from "./soak.ts";
import { engines } from "./support/commands.ts";
import { BenchError, versionOf } from "./support/process.ts";
import { say } from "./support/report.ts";
import { benchUnhit } from "./unhit.ts";

const USAGE = `npm run bench -- [guests] [boot] [unhit] [debug] [options]     all four if none is named
npm run bench -- soak [--seconds N]                            code that changes without end (default: 30 s)
  --runs N       runs of each measurement (default: 5)
  --only A,B     some guests only: int, sha256, mem, fp, call
  --scale X      factor on the guests' repetitions (default: 1, about 2,000,000,000 instructions each)
  --engine NAME  vmexit's engine (default: its own choice)
  --args "…"     more options for each vmexit run`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string" },
    scale: { type: "string", default: "1" },
    engine: { type: "string" },
    args: { type: "string", default: "" },
    seconds: { type: "string", default: "30" },
    help: { type: "boolean" },
  },
});

const PARTS = ["guests", "boot", "unhit", "debug", "soak"] as const;
type Part = (typeof PARTS)[number];
const isPart = (word: string): word is Part => PARTS.some((part) => part === word);

async function bench(): Promise<void> {
  const unknown = positionals.find((word) => !isPart(word));
  if (values.help === true || unknown !== undefined) {
    say(unknown === undefined ? USAGE : `there is no benchmark ${unknown}\n${USAGE}`);
    process.exitCode = unknown === undefined ? 0 : 2;
    return;
  }
  const parts: readonly Part[] =
    positionals.length === 0 ? PARTS.filter((part) => part !== "soak") : positionals.filter(isPart);
  const runs = Number(values.runs);
  const scale = Number(values.scale);
  if (!Number.isInteger(runs) || runs < 1) throw new BenchError("--runs needs a whole number from 1");
  if (!(Number(values.seconds) > 0)) throw new BenchError("--seconds needs a positive number");
  if (!(scale > 0)) throw new BenchError("--scale needs a positive number");
  if (values.engine !== undefined && (await engines()).length === 0)
    throw new BenchError("this vmexit has no --engine");
  const extra = [
    ...(values.engine === undefined ? [] : ["--engine", values.engine]),
    ...values.args.split(" ").filter((word) => word !== ""),
  ];
  const only = values.only === undefined ? undefined : new Set(values.only.split(","));
  for (const part of parts) {
    switch (part) {
      case "guests":
        await benchGuests({ runs, only, scale, extra });
        break;
      case "boot":
        await benchBoot({ runs, extra });
        break;
      case "unhit":
        await benchUnhit({ runs, scale, extra });
        break;
      case "soak":
        await benchSoak(Number(values.seconds));
        break;
      case "debug": {
        const qemu = (await versionOf("qemu-system-aarch64")) !== undefined;
        say(`Debugging in one process, medians of ${runs}:`);
        await benchInProcess(runs);
        say(`Debugging over gdb's remote protocol, medians of ${runs} by turns:`);
        await benchProtocol(runs, extra, qemu);
        say("A hot loop with something planted that is never hit:");
        await benchSlowdown(runs, extra, qemu);
        break;
      }
    }
  }
}

try {
  await bench();
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
