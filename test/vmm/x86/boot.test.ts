import { afterEach, describe, expect, it } from "vitest";
import { debugX86, kvm, type X86SetUp, x86Machine } from "../../debugger/support/x86.ts";
import { elf, multibootHeader } from "../../machine/boot/x86/images.ts";

const bytesOf = (hex: string): number[] =>
  (hex.match(/[0-9a-f]{2}/g) ?? []).map((digits) => Number.parseInt(digits, 16));

/** Code that ends the machine with a value in AL: mov dx, 0xf4; out dx, al. */
const end = "66 ba f4 00 ee f4";

let close: (() => void) | undefined;
afterEach(() => {
  close?.();
  close = undefined;
});

/** Runs a guest to its end. @returns what it gave to the debug-exit port */
function status(image: Uint8Array, options: X86SetUp = {}): number {
  const made = x86Machine(image, options);
  close = made.close;
  const limit = performance.now() + 5000;
  while (performance.now() < limit) {
    const stop = made.machine.advance(10_000_000);
    if (stop.kind === "limit") continue;
    expect(stop).toEqual({ kind: "system", event: "SHUTDOWN" });
    return ((made.machine.exitStatus ?? 0) - 1) / 2;
  }
  throw new Error("the guest does not end");
}

describe.skipIf(!kvm.available)("a guest on /dev/kvm", () => {
  it("entered by Multiboot finds the magic number, and its first memory size behind EBX", () => {
    // cmp eax, 0x2badb002; mov al, [ebx + 4]; jne spin
    const code = bytesOf(`3d 02 b0 ad 2b 75 fe 8a 43 04 ${end}`);
    const bytes = Uint8Array.from([...multibootHeader(3), ...code]);
    expect(status(elf({ bits: 32, bytes, entry: 0x10_000cn }))).toBe(639 & 0x7f);
  });

  it("entered by PVH finds its start info", () => {
    // cmp dword [ebx], 0x336ec578; jne spin; mov al, [ebx + 48]: entries of the memory map
    const code = bytesOf(`81 3b 78 c5 6e 33 75 fe 8a 43 30 ${end}`);
    expect(status(elf({ bits: 64, bytes: Uint8Array.from(code), pvhEntry: 0x10_0000n }))).toBe(5);
  });

  it("entered in long mode finds its command line by the zero page", () => {
    // mov eax, [rsi + 0x228]; mov al, [rax + 2]
    const code = bytesOf(`8b 86 28 02 00 00 8a 40 02 ${end}`);
    const image = elf({ bits: 64, bytes: Uint8Array.from(code) });
    expect(status(image, { commandLine: "ab*d" })).toBe(0x2a);
  });

  it("finds its initrd", () => {
    // mov eax, [rsi + 0x218]; mov al, [rax + 1]
    const code = bytesOf(`8b 86 18 02 00 00 8a 40 01 ${end}`);
    const image = elf({ bits: 64, bytes: Uint8Array.from(code) });
    expect(status(image, { initrd: Uint8Array.of(1, 0x42, 3) })).toBe(0x42);
  });

  it("of 32 bits takes the timer's interrupts, and returns from them", () => {
    // Its own GDT and segments; a gate for the timer at vector 0x20, to where a counter is; PIC and PIT; sti. wait: hlt;
    // cmp dword [ticks], 5; jb wait; then the end. The handler: inc dword [ticks]; mov al, 0x20; out 0x20, al; iretd
    const code = bytesOf(`
      0f 01 15 98 00 10 00 ea 1a 00 10 00 08 00 66 b8 10 00 66 8e d8 66 8e d0 bc 00 00 09 00 8d 05 74 00 10 00 66
      a3 a8 01 10 00 c1 e8 10 66 a3 ae 01 10 00 0f 01 1d 9e 00 10 00 b0 11 e6 20 b0 20 e6 21 b0 04 e6 21 b0 01 e6
      21 b0 fe e6 21 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 fb f4 83 3d a4 00 10 00 05 72 f6 b0 03 e6 f4 ff 05 a4 00
      10 00 b0 20 e6 20 cf 90 00 00 00 00 00 00 00 00 ff ff 00 00 00 9b cf 00 ff ff 00 00 00 93 cf 00 17 00 80 00
      10 00 07 01 a8 00 10`);
    const gates = [...new Uint8Array(261), 0, 0, 0x08, 0, 0, 0x8e, 0, 0];
    const bytes = Uint8Array.from([...multibootHeader(3), ...code, ...gates]);
    expect(status(elf({ bits: 32, bytes, entry: 0x10_000cn }))).toBe(3);
  });

  it("entered in 32-bit protected mode has flat segments", () => {
    // mov eax, [0x100000 + 0x10]: the byte there
    const code = bytesOf(`a1 10 00 10 00 ${end}`);
    const bytes = Uint8Array.from([...code, ...new Uint8Array(5), 0x33, 0, 0, 0]);
    expect(status(elf({ bits: 32, bytes }))).toBe(0x33);
  });

  it("reads ones from ports and addresses where nothing is", () => {
    // mov dx, 0x1234; in al, dx; mov ebx, 0xd0000000; and al, [rbx]; and al, 0x7f
    const code = bytesOf(`66 ba 34 12 ec bb 00 00 00 d0 22 03 24 7f ${end}`);
    expect(status(elf({ bits: 64, bytes: Uint8Array.from(code) }))).toBe(0x7f);
  });

  it("writes a string to its console by one instruction", () => {
    // mov edx, 0x3f8; mov ecx, 3; lea rsi, [rip + 11]; rep outsb; then the end, and "abc"
    const code = bytesOf(`ba f8 03 00 00 b9 03 00 00 00 48 8d 35 0b 00 00 00 f3 6e b0 01 ${end} 90 61 62 63`);
    const made = x86Machine(elf({ bits: 64, bytes: Uint8Array.from(code) }));
    close = made.close;
    while (made.machine.advance(1_000_000).kind === "limit");
    expect(made.printed()).toBe("abc");
  });

  it("gets an interrupt of the serial port, by the interrupt controllers in the kernel", async () => {
    const { session, machine, close: end } = await debugX86();
    close = end;
    const { current } = session;
    // The 8259A: vectors from 32 on, all masked but IRQ 4; the UART: OUT2, receive interrupt. Then STI, HLT.
    const out = (port: number, value: number): string =>
      `66 ba ${(port & 0xff).toString(16).padStart(2, "0")} ${(port >> 8).toString(16).padStart(2, "0")} b0 ${value.toString(16).padStart(2, "0")} ee `;
    const setUp = [
      [0x20, 0x11],
      [0x21, 0x20],
      [0x21, 0x04],
      [0x21, 0x01],
      [0x21, 0xef],
      [0xa1, 0xff],
      [0x3fc, 0x08],
      [0x3f9, 0x01],
    ] as const;
    const code = bytesOf(`${setUp.map(([port, value]) => out(port, value)).join("")} fb f4 eb fd`);
    await session.runTo("loop_head");
    // A gate for vector 36 as that for the guest's INT3, which counts.
    const idt = current.register("idtr_base");
    current.writeMemory(idt + 36n * 16n, current.readMemory(idt + 3n * 16n, 16));
    current.setRegister("idtr_limit", 0xfffn);
    current.writeMemory(0x20_0000n, Uint8Array.from(code));
    current.pc = 0x20_0000n;
    const stopped = session.continue();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(session.status.kind).toBe("running");
    session.breakpoints.add({
      address: session.symbols.addressOf("on_breakpoint", current) ?? 0n,
      kind: "hardware",
    });
    session.stop();
    await stopped;
    machine.board.uart.receive(Uint8Array.of(0x41));
    expect(await session.continue()).toMatchObject({ reason: { kind: "breakpoint" } });
  });
});
