import { afterEach, describe, expect, it } from "vitest";
import { linuxSubject } from "../conformance/x86/linuxSubject.ts";
import type { Scenario } from "../conformance/x86/scenario.ts";
import { begin } from "../conformance/x86/subject.ts";
import { elf } from "../machine/boot/x86/images.ts";
import { debugX86, kvm } from "./support/x86.ts";

let close: (() => void) | undefined;
afterEach(() => {
  close?.();
  close = undefined;
});

// 0x1000: inc rax; 0x1003: mov [0x7000], rax; 0x100b: pushfq; 0x100c: pop rbx; 0x100d: jmp 0x1000
const loop = "48ffc0 4889042500700000 9c 5b ebf1".replaceAll(" ", "");
/** The kernel, where user mode must not get to: it ends the machine. */
const wrong = "b00966baf400eef4";

/** A guest in user mode, in a loop that counts in RAX and at 0x7000. */
async function start(text = loop) {
  const guest = await debugX86(elf({ bits: 64, bytes: Uint8Array.of(0x90) }));
  close = guest.close;
  const [vcpu] = guest.vm.vcpus;
  if (vcpu === undefined) throw new Error("no vCPU");
  const scenario: Scenario = {
    name: "",
    mode: "user",
    text: "",
    acts: [],
    syscall: "kernel",
    handlers: { 1: "wrong", 3: "wrong", 6: "wrong", 13: "wrong", 14: "wrong" },
    registers: { rflags: 0x202n },
  };
  begin(linuxSubject(guest.vm, vcpu), scenario, {
    hex: text.padEnd(0x200, "0") + wrong,
    labels: { wrong: 0x1100, kernel: 0x1040 },
  });
  return { ...guest, vcpu, rax: () => guest.session.current.register("rax") };
}

describe.skipIf(!kvm.available)("an x86 guest's user mode under the debugger", () => {
  it.each(["patched", "hardware"] as const)(
    "stops at a %s breakpoint each time round, and goes on",
    async (kind) => {
      const { session, rax } = await start();
      session.breakpoints.add({ address: 0x100bn, kind });
      for (let round = 1n; round <= 20n; round++) {
        expect(await session.continue()).toMatchObject({ kind: "stopped", reason: { kind: "breakpoint" } });
        expect([session.current.pc, rax()]).toEqual([0x100bn, round]);
      }
      session.breakpoints.clear();
      const running = session.continue();
      setTimeout(() => session.stop(), 30);
      expect(await running).toMatchObject({ kind: "stopped", reason: { kind: "interrupt" } });
      expect(rax()).toBeGreaterThan(100n);
    },
  );

  it("tells when the guest has changed its #BP handler while nobody looked", async () => {
    // 0x1000: syscall; jmp 0x1000. 0x1040, the kernel: xor word [0x21030], 0x10, which is the gate of #BP; sysretq
    const text = `${"0f05 ebfc".replaceAll(" ", "").padEnd(0x80, "0")}6683342530100200 10 480f07`.replaceAll(
      " ",
      "",
    );
    const { session } = await start(text);
    const notices: string[] = [];
    session.subscribe((event) => {
      if (event.kind === "notice") notices.push(event.text);
    });
    session.breakpoints.add({ address: 0x1080n, kind: "patched" });
    const running = session.continue();
    setTimeout(() => session.stop(), 100);
    await running;
    expect(notices).toEqual([
      expect.stringMatching(/^vCPU 0 has given itself another #BP handler while nobody looked/),
    ]);
  });

  it("is stepped instruction by instruction, and does not see that", async () => {
    const { session } = await start();
    const seen: bigint[] = [];
    for (let i = 0; i < 10; i++) {
      expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
      seen.push(session.current.pc);
    }
    expect(seen).toEqual([
      0x1003n,
      0x100bn,
      0x100cn,
      0x100dn,
      0x1000n,
      0x1003n,
      0x100bn,
      0x100cn,
      0x100dn,
      0x1000n,
    ]);
    // What PUSHF pushed has no TF.
    expect(session.current.register("rbx") & 0x100n).toBe(0n);
  });

  it("stops behind a write that is watched", async () => {
    const { session, rax } = await start();
    session.breakpoints.watch({ address: 0x7000n, length: 8, access: "write" });
    for (let round = 1n; round <= 5n; round++) {
      expect(await session.continue()).toMatchObject({ reason: { kind: "watchpoint" } });
      expect([session.current.pc, rax()]).toEqual([0x100bn, round]);
    }
  });

  it("has breakpoints in thread and steps side by side", async () => {
    const { session, vm, rax } = await start();
    const running = session.continue();
    while (!vm.vcpus.every(({ isAway }) => isAway)) await new Promise((resolve) => setTimeout(resolve, 1));
    session.stop();
    await running;
    session.breakpoints.add({ address: 0x1000n, kind: "patched" });
    await session.continue();
    const before = rax();
    for (let i = 1n; i <= 10n; i++) {
      expect(session.stepNow()).toMatchObject({ reason: { kind: "step" } });
      expect(await session.continue()).toMatchObject({ reason: { kind: "breakpoint" } });
      expect([session.current.pc, rax()]).toEqual([0x1000n, before + i]);
    }
  });

  it("is where it is, however often it is interrupted in the midst of a step or at a breakpoint", async () => {
    const { session, vm, rax } = await start();
    const every = vm.interruptEvery.bind(vm);
    vm.interruptEvery = (milliseconds) => every(milliseconds === 0 ? 0 : 0.4);
    const order = [0x1003n, 0x100bn, 0x100cn, 0x100dn, 0x1000n];
    for (let i = 0; i < 500; i++) {
      session.stepNow();
      expect(session.current.pc).toBe(order[i % order.length]);
    }
    const breakpoint = session.breakpoints.add({ address: 0x100bn, kind: "patched" });
    const before = rax();
    for (let i = 1n; i <= 100n; i++) {
      await session.continue();
      expect([session.current.pc, rax()]).toEqual([0x100bn, before + i]);
    }
    session.breakpoints.remove(breakpoint);
    session.breakpoints.add({ address: 0x100bn, kind: "patched", condition: () => false });
    for (let i = 0; i < 20; i++) {
      const stopped = session.continue();
      setTimeout(() => session.stop(), i % 4);
      await stopped;
      // In user mode, and never in a handler.
      expect(session.current.pc >> 8n).toBe(0x10n);
    }
  });
});
