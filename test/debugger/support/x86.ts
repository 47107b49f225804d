import { readFileSync } from "node:fs";
import { DebugSession, type SessionOptions } from "../../../src/debugger/session.ts";
import { x86DebugArchitecture } from "../../../src/debugger/x86/architecture.ts";
import { DebuggerTarget } from "../../../src/gdb/debuggerTarget/target.ts";
import { X86TargetRegisters } from "../../../src/gdb/x86/registers.ts";
import { LinuxKvm } from "../../../src/kvm/linux/kvm.ts";
import { describeHost, type HostDebugFacts } from "../../../src/kvm/linux/x86_64/debug/facts.ts";
import { probeHost } from "../../../src/kvm/linux/x86_64/debug/probe.ts";
import { LinuxX86Vm } from "../../../src/kvm/linux/x86_64/vm.ts";
import { classifyX86Image } from "../../../src/machine/boot/x86/classify.ts";
import { planX86Boot } from "../../../src/machine/boot/x86/plan.ts";
import { X86Machine } from "../../../src/vmm/x86/machine.ts";
import { requireTool } from "../../support/tools.ts";
import { host } from "./guest.ts";

/** Whether x86 guests can run here. */
export const kvm = requireTool("/dev/kvm");

const folder = new URL("../../../guests/x86-64/", import.meta.url).pathname;
/** The guest that is there to be debugged, in long mode, and the one that goes through the modes. */
export const debugGuest = `${folder}debug/debug.elf`;
export const modesGuest = `${folder}modes/modes.bin`;
export const modesSymbols = `${folder}modes/modes.elf`;

let known: HostDebugFacts | undefined;

/** What a guest is started with. */
export interface X86SetUp extends Partial<SessionOptions> {
  readonly cpus?: number;
  readonly memoryMiB?: number;
  readonly commandLine?: string;
  readonly initrd?: Uint8Array;
}

/** A PC on the host's KVM, about to execute a guest's first instruction, and what it has printed. @param image a file, or its bytes */
export function x86Machine(image: string | Uint8Array, options: X86SetUp = {}) {
  const device = LinuxKvm.open();
  known ??= probeHost(device);
  const facts = known;
  const vm = new LinuxX86Vm(device, { facts, cpus: options.cpus ?? 1, irqchip: true, pit: true });
  device.close();
  let printed = "";
  const machine = new X86Machine({
    vm,
    memoryBytes: (options.memoryMiB ?? 16) << 20,
    clock: () => performance.now(),
    transmit: (byte) => {
      printed += String.fromCharCode(byte);
    },
    description: ["linux (/dev/kvm)", ...describeHost(facts)],
  });
  const bytes = typeof image === "string" ? readFileSync(image) : image;
  machine.boot(
    planX86Boot({
      image: classifyX86Image(bytes),
      ram: machine.board.ram,
      acpi: machine.acpi,
      mpTable: machine.mpTable,
      commandLine: options.commandLine,
      initrd: options.initrd,
    }),
  );
  return { machine, vm, facts, bytes, printed: () => printed, close: () => vm.close() };
}

/** The same under the debugger, with its symbols if it has any. */
export async function debugX86(image: string | Uint8Array = debugGuest, options: X86SetUp = {}) {
  const made = x86Machine(image, options);
  const session = new DebugSession(made.machine, { architecture: x86DebugArchitecture, host, ...options });
  if (typeof image === "string" && made.bytes[0] === 0x7f) await session.symbols.load(made.bytes);
  const address = (name: string): bigint => {
    const found = session.symbols.addressOf(name, session.current);
    if (found === undefined) throw new Error(`there is no symbol ${name}`);
    return found;
  };
  return {
    ...made,
    session,
    address,
    word: (name: string) => session.current.readInteger(address(name), 8),
    close: () => {
      session.stop();
      made.close();
    },
  };
}

/** The same as a target of the gdb server. */
export async function x86Target(image: string | Uint8Array = debugGuest, options: X86SetUp = {}) {
  const made = await debugX86(image, options);
  return { ...made, target: new DebuggerTarget(made.session, new X86TargetRegisters()) };
}
