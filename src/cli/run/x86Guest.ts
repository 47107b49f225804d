import { KvmError } from "../../kvm/errors.ts";
import { SubstrateError } from "../../kvm/linux/errors.ts";
import { LinuxKvm } from "../../kvm/linux/kvm.ts";
import { describeHost } from "../../kvm/linux/x86_64/debug/facts.ts";
import { probeHost } from "../../kvm/linux/x86_64/debug/probe.ts";
import { LinuxX86Vm } from "../../kvm/linux/x86_64/vm.ts";
import { x86RegisterId } from "../../kvm/x86Registers.ts";
import { BoardError } from "../../machine/board/arm64Virt.ts";
import { BootImageError, BootLayoutError } from "../../machine/boot/bootError.ts";
import { classifyX86Image } from "../../machine/boot/x86/classify.ts";
import type { X86Image } from "../../machine/boot/x86/image.ts";
import { openX86Image } from "../../machine/boot/x86/open.ts";
import { planX86Boot, planX86Firmware } from "../../machine/boot/x86/plan.ts";
import type { Uart16550 } from "../../machine/devices/uart16550.ts";
import type { GuestOptions } from "../../vmm/guest.ts";
import { X86Machine } from "../../vmm/x86/machine.ts";
import type { GuestRequest } from "../machine.ts";
import { readInput } from "../readFile.ts";
import { UserError } from "../userError.ts";
import type { Debugging, Listening, ListeningNews, RunnableGuest } from "./runnable.ts";

/** Options of arm64's machine, and what to do without them. */
const FOREIGN: readonly (readonly [keyof GuestRequest, string])[] = [
  ["dtb", "--dtb: a PC has no device tree"],
  ["gicVersion", "--gic: a PC has no GIC; its interrupt controllers are the host's KVM's"],
  ["seed", "--seed: a PC takes none; give the kernel nokaslr if it is to stay in place"],
  ["engine", "--engine: the host's processor executes the guest"],
  ["heat", "--heat: the host's processor executes the guest"],
];

/** What a debugger's user must know of a kernel that moves itself before it runs. */
const MOVES =
  "; this kernel may move itself (KASLR), and breakpoints at its symbols would miss: " +
  "append nokaslr, or boot the vmlinux that is in it, which stays where it was linked";

/** Only a packed kernel moves itself. */
const mayMove = (image: X86Image | undefined, commandLine: string | undefined): boolean =>
  image?.kind === "bzimage" && image.relocatable && commandLine?.split(/\s+/).includes("nokaslr") !== true;

/** gdb refuses 64-bit registers for a program file of 32 bits, and the other way round. */
function has32BitSymbols(image: X86Image | undefined): boolean {
  if (image?.kind === "multiboot") return image.elf?.bits !== 64;
  return (image?.kind === "elf" || image?.kind === "bzimage") && image.bits === 32;
}

async function x86Debugging(image: X86Image | undefined): Promise<Debugging> {
  const { x86DebugArchitecture } = await import("../../debugger/x86/architecture.ts");
  const { X86TargetRegisters } = await import("../../gdb/x86/registers.ts");
  return {
    architecture: x86DebugArchitecture,
    registers: new X86TargetRegisters(has32BitSymbols(image) ? "i386" : undefined),
  };
}

/** The serial port itself knows. */
class UartListening implements Listening {
  readonly #uart: Uart16550;
  #assumed = false;
  #told = false;

  constructor(uart: Uart16550) {
    this.#uart = uart;
  }

  get listening(): boolean {
    return this.#assumed || this.#uart.listening;
  }

  observe(): ListeningNews | undefined {
    if (this.#told || !this.listening) return undefined;
    this.#told = true;
    return { listensIn: 0n };
  }

  assume(): void {
    this.#assumed = true;
  }

  reset(): void {
    this.#assumed = false;
    this.#told = false;
  }
}

/** @throws UserError for what would be left out without a word: firmware and boot sectors are handed nothing. */
function checkTaken({ append, initrd }: GuestRequest, image: X86Image | undefined): void {
  if (image !== undefined && image.kind !== "flat") return;
  const who = image === undefined ? "firmware" : "a boot sector";
  if (append !== undefined) throw new UserError(`--append: ${who} takes no command line; leave it out`);
  if (initrd !== undefined) throw new UserError(`--initrd: ${who} takes no initial RAM disk; leave it out`);
}

/** An x86-64 guest on the host's KVM. @throws UserError for whatever the user can put right */
export function x86Guest(
  request: GuestRequest,
  surroundings: Pick<GuestOptions, "transmit" | "onReceiveRoom">,
): Promise<RunnableGuest> {
  const given = FOREIGN.find(([option]) => request[option] !== undefined);
  if (given !== undefined) throw new UserError(given[1]);
  if (request.firmware && request.initrd !== undefined)
    throw new UserError("--initrd goes with a kernel, not with --firmware; leave one of them out");
  const { memoryBytes, cpus } = request;
  const packed = request.bytes ?? readInput("image", request.image, memoryBytes);
  const initrd =
    request.initrd === undefined ? undefined : readInput("--initrd", request.initrd, memoryBytes);
  return naming(`image ${request.image}`, async () => {
    const image = await openX86Image(packed, memoryBytes);
    // Before the host is asked: what is wrong with the image is wrong everywhere.
    const known = request.firmware ? undefined : classifyX86Image(image);
    checkTaken(request, known);
    const kvm = LinuxKvm.open();
    const facts = probeHost(kvm);
    const vm = new LinuxX86Vm(kvm, { facts, cpus, irqchip: true, pit: true });
    const machine = new X86Machine({
      vm,
      memoryBytes,
      clock: () => performance.now(),
      ...surroundings,
      epochSeconds: request.epochSeconds,
      description: ["linux (/dev/kvm)", ...describeHost(facts)],
    });
    const plan =
      known === undefined
        ? planX86Firmware(image)
        : planX86Boot({
            image: known,
            name: request.image,
            ram: machine.board.ram,
            initrd,
            commandLine: request.append,
            acpi: machine.acpi,
            mpTable: machine.mpTable,
          });
    return {
      machine,
      pc: x86RegisterId("linear_pc"),
      debugging: () => x86Debugging(known),
      timeline: machine.timeline,
      uart: machine.board.uart,
      listening: new UartListening(machine.board.uart),
      image,
      notice: `substrate linux (/dev/kvm); ${plan.protocol}${mayMove(known, request.append) ? MOVES : ""}`,
      instructions: () => undefined,
      observe: (observer) => {
        machine.onExit = observer;
      },
      boot: () => machine.boot(plan),
      exitStatus: () => machine.exitStatus,
      close: () => {
        vm.close();
        kvm.close();
      },
    };
  });
}

/** The embedded substrate is no way out for these guests. */
const advice = ({ message }: SubstrateError): string =>
  message.replace(/[;,] (or )?use the embedded substrate$/, "; x86-64 guests run nowhere else so far");

async function naming<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof SubstrateError) throw new UserError(`--substrate linux: ${advice(error)}`);
    if (error instanceof KvmError) throw new UserError(`--substrate linux: ${error.errno}: ${error.message}`);
    if ([BootImageError, BootLayoutError, BoardError].some((kind) => error instanceof kind))
      throw new UserError(`${what}: ${(error as Error).message}`);
    throw error;
  }
}
