import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { debugX86, kvm } from "../../debugger/support/x86.ts";
import { elf } from "../../machine/boot/x86/images.ts";

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from((hex.match(/[0-9a-f]{2}/g) ?? []).map((digits) => Number.parseInt(digits, 16)));

let close: (() => void) | undefined;
afterEach(() => {
  close?.();
  close = undefined;
});

/** Where the processors count. */
const counters = [0x9000n, 0x9100n] as const;
// inc qword [0x9000]; jmp back
const counting = "48 ff 04 25 00 90 00 00  eb f6";
// Real mode at 0x8000: inc dword [0x9100]; jmp back
const countingToo = "31 c0 8e d8  66 ff 06 00 91  eb f9";

/** A guest in long mode, and perhaps a second processor in real mode, which is started as SIPI for page 8 does. */
async function start(code: string, second?: string) {
  const guest = await debugX86(elf({ bits: 64, bytes: bytesOf(code) }), {
    cpus: second === undefined ? 1 : 2,
  });
  close = guest.close;
  const { vm, machine, session } = guest;
  const [, two] = vm.vcpus;
  if (second !== undefined && two !== undefined) {
    vm.writeMemory(0x8000n, bytesOf(second));
    const sregs = two.getSregs();
    two.setSregs({ ...sregs, cs: { ...sregs.cs, selector: 0x800, base: 0x8000n } });
    two.setRegs({ ...two.getRegs(), rip: 0n });
    two.setMpState("RUNNABLE");
  }
  const count = (at: bigint): bigint => new DataView(vm.readMemory(at, 8).buffer).getBigUint64(0, true);
  /** Lets it run until every vCPU is in its thread. */
  const away = async () => {
    const stopped = session.continue();
    while (!vm.vcpus.every(({ isAway }) => isAway)) await sleep(1);
    return { stopped };
  };
  return { ...guest, machine, count, away };
}

describe.skipIf(!kvm.available)("vCPUs of the PC in threads of their own", () => {
  it("run both at once, and are all out of the guest when a stop is reported", async () => {
    const { session, vm, count, away } = await start(counting, countingToo);
    for (let i = 0; i < 5; i++) {
      const { stopped } = await away();
      const before = counters.map(count);
      while (!counters.every((at, n) => count(at) > (before[n] ?? 0n))) await sleep(1);
      session.stop();
      expect(vm.vcpus.map(({ isAway, hasReturned }) => [isAway, hasReturned])).toEqual([
        [false, false],
        [false, false],
      ]);
      const after = counters.map(count);
      expect(await stopped).toMatchObject({ kind: "stopped", reason: { kind: "interrupt" } });
      await sleep(5);
      expect(counters.map(count)).toEqual(after);
    }
  });

  it("leave the program's thread alone while nothing happens", async () => {
    const { session, machine, away } = await start(counting);
    const { stopped } = await away();
    let calls = 0;
    const advance = machine.advance.bind(machine);
    machine.advance = (limit, options) => {
      calls++;
      return advance(limit, options);
    };
    await sleep(400);
    session.stop();
    await stopped;
    // Looks after 5, 10, 20, 40, 80, 160 … milliseconds, each of two calls; by turns it were 200 calls and more.
    expect(calls).toBeLessThan(40);
  });

  it("stop all at a breakpoint of one", async () => {
    const { session, vm, count, away } = await start(counting, countingToo);
    const { stopped } = await away();
    session.stop();
    await stopped;
    session.breakpoints.add({ address: 0x8004n, kind: "hardware" });
    for (let i = 0; i < 20; i++) {
      expect(await session.continue()).toMatchObject({ vcpu: 1, reason: { kind: "breakpoint" } });
      expect(vm.vcpus.map(({ isAway }) => isAway)).toEqual([false, false]);
      const counted = counters.map(count);
      expect(session.vcpus[1]?.readInteger(0x9100n, 4)).toBe(BigInt.asUintN(32, counted[1] ?? 0n));
      await sleep(1);
      expect(counters.map(count)).toEqual(counted);
    }
  });

  it("each stop at their own breakpoint, none of them twice or never", async () => {
    const { session, count, away } = await start(counting, countingToo);
    const { stopped } = await away();
    session.stop();
    await stopped;
    session.breakpoints.add({ address: 0x8004n, kind: "hardware" });
    session.breakpoints.add({
      address: session.vcpus[0]?.pc === 0x10_0000n ? 0x10_0008n : 0x10_0000n,
      kind: "hardware",
    });
    let before = counters.map(count);
    for (let i = 0; i < 60; i++) {
      const stop = await session.continue();
      expect(stop).toMatchObject({ reason: { kind: "breakpoint" } });
      const now = counters.map(count);
      // Between two stops of the guest, each has been once around at most.
      now.forEach((value, n) => {
        expect(value - (before[n] ?? 0n)).toBeLessThanOrEqual(1n);
      });
      before = now;
    }
  });

  it("have their exits handled in the order of each", async () => {
    // mov ecx, 400; mov edx, 0x3f8; mov al, 'a'; out dx, al; inc al; cmp al, 'z' + 1; jne; mov al, 'a'; loop out; spin; power off
    const { session, vm, away, printed, machine } = await start(
      // wait until [0x9000] is not 0
      "80 3c 25 00 90 00 00 00  74 f6  b9 00 01 00 00  ba f8 03 00 00  b0 61  ee  fe c0  3c 7b  75 02  b0 61  e2 f5  b0 11  66 ba f4 00 ee f4",
    );
    const { stopped } = await away();
    vm.writeMemory(0x9000n, Uint8Array.of(1));
    expect(await stopped).toEqual({ kind: "ended", reason: "power-off" });
    expect(machine.exitStatus).toBe(0x23);
    const letters = Array.from({ length: 256 }, (_, i) => String.fromCharCode(97 + (i % 26))).join("");
    expect(printed()).toBe(letters);
    expect(session.status.kind).toBe("ended");
  });

  it("step one while the other runs in its thread", async () => {
    const { session, vm, count, away } = await start(counting, countingToo);
    const { stopped } = await away();
    session.stop();
    await stopped;
    const [one] = session.vcpus;
    if (one === undefined) throw new Error("no vCPU");
    const before = counters.map(count);
    for (let i = 0; i < 200; i++)
      expect(await session.step(one)).toMatchObject({ vcpu: 0, reason: { kind: "step" } });
    expect(vm.vcpus.map(({ isAway }) => isAway)).toEqual([false, false]);
    expect(count(counters[0]) - (before[0] ?? 0n)).toBe(100n);
  });

  it("are started by the guest itself: INIT and SIPI", async () => {
    const command = (low: string): string =>
      // ICR: processor 1; then a while
      `c7 83 10 03 00 00 00 00 00 01  c7 83 00 03 00 00 ${low}  b9 00 20 00 00  ff c9 75 fc`;
    const starting =
      // mov ebx, 0xfee00000; SVR: on
      `bb 00 00 e0 fe  c7 83 f0 00 00 00 ff 01 00 00 ${command("00 45 00 00")} ${command("08 46 00 00")} ${command("08 46 00 00")}` +
      // until [0x9100] is 3
      "80 3c 25 00 91 00 00 03  72 f6  b0 11  66 ba f4 00 ee f4";
    const guest = await debugX86(elf({ bits: 64, bytes: bytesOf(starting) }), { cpus: 2 });
    close = guest.close;
    guest.vm.writeMemory(0x8000n, bytesOf("fa 31 c0 8e d8  fe 06 00 91  fe 06 00 91  fe 06 00 91  eb fe"));
    expect(guest.session.vcpus.map(({ state }) => state)).toEqual(["running", "off"]);
    expect(await guest.session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(guest.session.vcpus.map(({ state, pc }) => [state, pc])).toMatchObject([
      ["running", expect.anything()],
      ["running", 0x8011n],
    ]);
  });

  it("end with the guest that waits for ever: halted with interrupts off", async () => {
    // until [0x9000] is not 0; cli; hlt
    const { session, vm, away } = await start("80 3c 25 00 90 00 00 00  74 f6  fa f4");
    const { stopped } = await away();
    vm.writeMemory(0x9000n, Uint8Array.of(1));
    while (vm.vcpus.some(({ isAway }) => isAway)) await sleep(1);
    await sleep(300);
    // The session sleeps without looking again; the user stops it.
    expect(vm.vcpus.map(({ isAway, mpState }) => [isAway, mpState])).toEqual([[false, "HALTED"]]);
    session.stop();
    expect(await stopped).toMatchObject({ kind: "stopped", reason: { kind: "interrupt" } });
  });

  it("can be closed, killed and reset in the midst of it", async () => {
    const { session, vm, count, away } = await start(counting, countingToo);
    await away();
    session.reset();
    expect(vm.vcpus.map(({ isAway }) => isAway)).toEqual([false, false]);
    expect(session.status).toMatchObject({ kind: "stopped", reason: { kind: "reset" } });
    vm.writeMemory(counters[0], new Uint8Array(8));
    const running = session.continue();
    while (count(counters[0]) < 1000n) await sleep(1);
    session.kill();
    expect(await running).toEqual({ kind: "ended", reason: "killed" });
    expect(vm.vcpus.map(({ isAway }) => isAway)).toEqual([false, false]);
  });
});
