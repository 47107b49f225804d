import { afterEach, describe, expect, it } from "vitest";
import { debugX86, kvm } from "../../debugger/support/x86.ts";
import { elf } from "../../machine/boot/x86/images.ts";

const bytesOf = (hex: string): number[] =>
  (hex.match(/[0-9a-f]{2}/g) ?? []).map((digits) => Number.parseInt(digits, 16));

let close: (() => void) | undefined;
afterEach(() => {
  close?.();
  close = undefined;
});

/** The first processor waits until the second has counted to 3 at 0x9000, and ends the machine. */
// cmp byte [0x9000], 3; jb back; mov al, 0x11; mov dx, 0xf4; out dx, al; hlt
const first = "80 3c 25 00 90 00 00 03  72 f6  b0 11  66 ba f4 00 ee f4";
/** Real mode at 0x8000: inc byte [0x9000], three times; then for ever. */
const second = "fa 31 c0 8e d8  fe 06 00 90  fe 06 00 90  fe 06 00 90  eb fe";

/** Two processors, the second started as SIPI for page 8 does. */
async function start({ awake = true } = {}) {
  const guest = await debugX86(elf({ bits: 64, bytes: Uint8Array.from(bytesOf(first)) }), { cpus: 2 });
  close = guest.close;
  guest.machine.vm.writeMemory(0x8000n, Uint8Array.from(bytesOf(second)));
  const two = guest.vm.vcpus[1];
  if (!awake || two === undefined) return guest;
  const sregs = two.getSregs();
  two.setSregs({ ...sregs, cs: { ...sregs.cs, selector: 0x800, base: 0x8000n } });
  two.setRegs({ ...two.getRegs(), rip: 0n });
  two.setMpState("RUNNABLE");
  return guest;
}

describe.skipIf(!kvm.available)("an x86 guest of two processors on /dev/kvm", () => {
  it("has the second wait to be started", async () => {
    const { session } = await start({ awake: false });
    expect(session.vcpus.map(({ state }) => state)).toEqual(["running", "off"]);
    const stopped = session.continue();
    setTimeout(() => session.stop(), 30);
    expect(await stopped).toMatchObject({ kind: "stopped", vcpu: 0 });
  });

  it("runs both", async () => {
    const { session, machine } = await start();
    expect(session.vcpus.map(({ state }) => state)).toEqual(["running", "running"]);
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
    expect(machine.exitStatus).toBe(0x23);
  });

  it("stops at a breakpoint of the second, in its own mode, and steps it while the first stands", async () => {
    const { session } = await start();
    session.breakpoints.add({ address: 0x8005n, kind: "hardware" });
    const stop = await session.continue();
    expect(stop).toMatchObject({ kind: "stopped", vcpu: 1, reason: { kind: "breakpoint" } });
    const [one, two] = session.vcpus;
    const before = one?.pc;
    session.stepNow(two);
    expect([one?.pc, two?.pc, two?.readInteger(0x9000n, 1)]).toEqual([before, 0x8009n, 1n]);
    session.breakpoints.clear();
    expect(await session.continue()).toEqual({ kind: "ended", reason: "power-off" });
  });

  it("has its second processor wait again after a reset", async () => {
    const { session } = await start();
    await session.continue();
    session.reset();
    expect(session.vcpus.map(({ state }) => state)).toEqual(["running", "off"]);
  });
});
