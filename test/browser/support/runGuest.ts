import { arm64InstructionSet } from "../../../src/isa/arm64/instructionSet.ts";
import { openImage } from "../../../src/machine/boot/open.ts";
import { planBoot } from "../../../src/machine/boot/planBoot.ts";
import { writeFdt } from "../../../src/machine/fdt/write.ts";
import { GuestMachine } from "../../../src/vmm/guest.ts";

/** What is left of a guest that has powered off. */
export interface GuestResult {
  readonly console: string;
  readonly instructions: number;
  /** SHA-256 of all of its memory and registers, in hexadecimal. */
  readonly hash: string;
  /** Millions of instructions a second. */
  readonly mips: number;
}

const MEMORY = 64 << 20;
/** Nanoseconds of virtual time at once. */
const SLICE = 5_000_000;

/** Runs a bare-metal image to its end. Everything in here runs in Node and in a browser alike. */
export async function runGuest(elf: Uint8Array): Promise<GuestResult> {
  let console = "";
  const machine = new GuestMachine({
    instructionSet: arm64InstructionSet(),
    memoryBytes: MEMORY,
    cpus: 1,
    gicVersion: 3,
    transmit: (byte) => {
      console += String.fromCharCode(byte);
    },
  });
  const { board, vm } = machine;
  const image = await openImage(elf, MEMORY);
  machine.boot(planBoot(board, { image, deviceTree: () => writeFdt(board.deviceTree({})) }));
  const begin = performance.now();
  for (;;) {
    const stop = machine.advance(SLICE);
    if (stop.kind === "limit") continue;
    if (stop.kind === "system" && stop.event === "SHUTDOWN") break;
    throw new Error(`the guest ended with ${stop.kind}: ${"message" in stop ? stop.message : ""}`);
  }
  const milliseconds = performance.now() - begin;
  const registers = vm.vcpus.map((vcpu) => vcpu.regList().map((id) => `${id}=${vcpu.getOneReg(id)}`));
  const memory = vm.readMemory(board.ram.base, MEMORY);
  const state = new Uint8Array([...(await digest(memory)), ...new TextEncoder().encode(registers.join())]);
  return {
    console,
    instructions: machine.instructions,
    hash: [...(await digest(state))].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    mips: machine.instructions / milliseconds / 1000,
  };
}

async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
}
