import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { guestDebugControl } from "../src/kvm/guestDebug.ts";
import { LinuxKvm } from "../src/kvm/linux/kvm.ts";
import { probeHost } from "../src/kvm/linux/x86_64/debug/probe.ts";
import { LinuxX86Vm } from "../src/kvm/linux/x86_64/vm.ts";
import { realMode } from "../src/kvm/x86Modes.ts";
import { median } from "./statistics.ts";

// Single steps a second on /dev/kvm: a loop of KVM_RUN in C (bench/kvm-step.c, built here with cc or clang) and the linux
// substrate, by turns, same guest. Usage: npx tsc -p bench/tsconfig.json && node .cache/bench/bench/kvm-step.js [--steps N] [--runs N]

const { values } = parseArgs({
  options: { steps: { type: "string", default: "200000" }, runs: { type: "string", default: "7" } },
});
const steps = Number(values.steps);
const root = join(import.meta.dirname, "..", "..", "..");
const program = join(root, ".cache", "kvm-step");

/** The wished share of C's speed. */
const wanted = 0.8;

function build(): void {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const options = ["-O2", "-o", program, join(root, "bench", "kvm-step.c")];
  try {
    execFileSync("cc", options);
  } catch {
    execFileSync("clang", options);
  }
}

const inC = (): number => Number(execFileSync(program, [String(steps)], { encoding: "utf8" }));

function inTypeScript(): number {
  const kvm = LinuxKvm.open();
  const vm = new LinuxX86Vm(kvm, { facts: probeHost(kvm) });
  kvm.close();
  const [vcpu] = vm.vcpus;
  if (vcpu === undefined) throw new RangeError("a VM without a vCPU");
  vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: 0x1_0000n });
  vm.writeMemory(0x1000n, Uint8Array.of(0x40, 0xeb, 0xfd));
  vcpu.setSregs(realMode(vcpu.getSregs()));
  vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n, rflags: 2n });
  vcpu.setGuestDebug({ control: guestDebugControl.ENABLE | guestDebugControl.SINGLESTEP });
  const begin = performance.now();
  for (let i = 0; i < steps; i++) {
    const exit = vcpu.run();
    if (exit.reason !== "DEBUG") throw new Error(`exit ${exit.reason} after ${i} steps`);
  }
  const seconds = (performance.now() - begin) / 1000;
  vm.close();
  return steps / seconds;
}

build();
// Both once for warmth; then by turns, so that what else the machine does meets both.
inC();
inTypeScript();
const pairs = Array.from({ length: Number(values.runs) }, () => ({ c: inC(), typescript: inTypeScript() }));
const line = (name: string, speeds: readonly number[]): string =>
  `${name.padEnd(12)}${Math.round(median(speeds)).toLocaleString("en").padStart(10)} steps/s`;
const ratio = median(pairs.map(({ c, typescript }) => typescript / c));
process.stdout.write(
  [
    line(
      "C",
      pairs.map(({ c }) => c),
    ),
    line(
      "vmexit",
      pairs.map(({ typescript }) => typescript),
    ),
    `ratio       ${ratio.toFixed(2).padStart(10)} (wanted: ${wanted})`,
    "",
  ].join("\n"),
);
process.exitCode = ratio >= wanted ? 0 : 1;
