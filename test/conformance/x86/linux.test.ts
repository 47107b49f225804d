import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { LinuxKvm } from "../../../src/kvm/linux/kvm.ts";
import { faithful, type HostDebugFacts } from "../../../src/kvm/linux/x86_64/debug/facts.ts";
import { probeHost } from "../../../src/kvm/linux/x86_64/debug/probe.ts";
import type { LinuxX86Vcpu } from "../../../src/kvm/linux/x86_64/vcpu.ts";
import type { X86VcpuFile } from "../../../src/kvm/linux/x86_64/vcpuFile.ts";
import { LinuxX86Vm } from "../../../src/kvm/linux/x86_64/vm.ts";
import { requireTool } from "../../support/tools.ts";
import { departures } from "./departures.ts";
import { place } from "./environment.ts";
import type { GuestCode } from "./guest.ts";
import { linuxSubject } from "./linuxSubject.ts";
import { type Performance, play } from "./play.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/all.ts";
import type { Subject } from "./subject.ts";

const kvm = requireTool("/dev/kvm");
const guests = JSON.parse(readFileSync(new URL("guests.json", import.meta.url), "utf8")) as Readonly<
  Record<string, GuestCode>
>;

/** A guest that runs on longer than this does not come back. */
const patience = 1000;

const facts = kvm.available ? probe() : undefined;

function probe(): HostDebugFacts {
  const device = LinuxKvm.open();
  try {
    return probeHost(device);
  } finally {
    device.close();
  }
}

/** A substrate: its vCPU, and whether departures that it hides may show. */
interface Stage {
  readonly name: string;
  readonly vcpu: (vcpu: LinuxX86Vcpu) => LinuxX86Vcpu | X86VcpuFile;
  readonly hides: boolean;
}

const stages: readonly Stage[] = [
  { name: "the host's kernel, as it is", vcpu: ({ file }) => file, hides: false },
  { name: "the linux substrate", vcpu: (vcpu) => vcpu, hides: true },
];

function subjectOf(stage: Stage, { irqchip = false }: Scenario): Subject {
  const device = LinuxKvm.open();
  const vm = new LinuxX86Vm(device, { irqchip, facts: facts ?? faithful });
  device.close();
  vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: place.ramBytes });
  vm.interruptEvery(patience);
  const [first] = vm.vcpus;
  if (first === undefined) throw new Error("no vCPU");
  return linuxSubject(vm, stage.vcpu(first));
}

/** What the scenario wants to see, as a performance. */
function wanted({ acts, ends = {} }: Scenario): Performance {
  return { sees: acts.map(({ sees }) => sees), ends };
}

function perform(stage: Stage, scenario: Scenario): Performance {
  const code = guests[scenario.name];
  if (code === undefined) throw new Error("not assembled: run vitest with -u where clang is");
  const subject = subjectOf(stage, scenario);
  try {
    return play(subject, scenario, code);
  } finally {
    subject.close();
  }
}

describe.skipIf(!kvm.available).each(stages)("$name", (stage) => {
  const seen = new Map<string, number>();
  afterAll(() => {
    const lines = [...seen].map(([name, count]) => `  ${name} (${count})`);
    process.stdout.write(`conformance: departures of ${stage.name}:\n${lines.join("\n")}\n`);
  });

  for (const scenario of scenarios) {
    it(scenario.name, () => {
      const shown = perform(stage, scenario);
      const known = scenario.departures?.find(
        ({ sees, ends, hidden }) =>
          !(stage.hides && hidden === true) &&
          JSON.stringify(sees) === JSON.stringify(shown.sees) &&
          (ends === undefined || equal(ends, shown.ends)),
      );
      if (known === undefined) expect(shown).toEqual(wanted(scenario));
      else seen.set(known.name, (seen.get(known.name) ?? 0) + 1);
    });
  }
});

const equal = (a: unknown, b: unknown): boolean => {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
};

describe("the list of departures", () => {
  it("is used up: each name is some scenario's", () => {
    const used = new Set(scenarios.flatMap(({ departures: known = [] }) => known.map(({ name }) => name)));
    expect(Object.keys(departures).filter((name) => !used.has(name as never))).toEqual([]);
  });

  it("is in the manual, docs/substrates.md", () => {
    const manual = readFileSync(new URL("../../../docs/substrates.md", import.meta.url), "utf8");
    expect(Object.keys(departures).filter((name) => !manual.includes(`\`${name}\``))).toEqual([]);
  });
});
