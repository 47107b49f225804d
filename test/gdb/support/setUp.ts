import type { Target } from "../../../src/gdb/target.ts";
import { counterProgram } from "./assembler.ts";
import { MemoryClient } from "./rsp.ts";
import { TinyMachine, type TinyOptions } from "./tinyMachine.ts";

/** A tiny machine that counts up to `most` (0: for ever), and a client past the handshake. */
export function setUp(options: TinyOptions & { readonly most?: number; readonly features?: string } = {}) {
  const machine = new TinyMachine(counterProgram(options.most ?? 1000), options);
  const client = MemoryClient.connect(machine, options.features);
  return { machine, client };
}

/** As hex digits. */
export const hex = (value: bigint | number) => value.toString(16);

/** A 64-bit value as the guest's bytes in hex. */
export const little = (value: bigint) => hex(value).padStart(16, "0").match(/../g)?.reverse().join("") ?? "";

/** Hex pairs as the bytes they mean. */
export const fromHex = (digits = "") =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The same machine, able to do only what every target must. */
export function withoutCapabilities(machine: TinyMachine): Target {
  return {
    architecture: machine.architecture,
    status: () => machine.status(),
    threads: () => machine.threads(),
    readRegister: (...read) => machine.readRegister(...read),
    writeRegister: (...write) => machine.writeRegister(...write),
    readMemory: (...read) => machine.readMemory(...read),
    writeMemory: (...write) => machine.writeMemory(...write),
    resume: (plan) => machine.resume(plan),
    interrupt: () => machine.interrupt(),
    detach: () => machine.detach(),
    subscribe: (listener) => machine.subscribe(listener),
  };
}
