import { describe, expect, it } from "vitest";
import type { VcpuAction } from "../../src/debugger/events.ts";
import { a64, CODE, DATA, debugCode, sysreg } from "./support/code.ts";
import { debugOwnGuest } from "./support/guest.ts";

const step = { kind: "stopped", vcpu: 0, reason: { kind: "step" } } as const;
const VECTORS = CODE + 0x800n;

/** Instructions that set VBAR_EL1 to `VECTORS`. */
const setVectors = [a64.movz(0, 0x4000, 1), a64.movk(0, 0x0800), a64.msr(sysreg.VBAR_EL1, 0)];

describe("a step executes one instruction", () => {
  const afterVectors = CODE + 12n;
  const cases: readonly {
    readonly name: string;
    readonly word: number;
    readonly before?: readonly number[];
    readonly pc: bigint;
  }[] = [
    { name: "an addition", word: a64.add(1, 1, 5), pc: 4n },
    { name: "a branch to itself", word: a64.b(0), pc: 0n },
    { name: "a branch back", word: a64.b(-2), pc: -8n },
    { name: "WFI, after which the vCPU waits", word: a64.wfi, pc: 4n },
    { name: "WFE", word: a64.wfe, pc: 4n },
    {
      name: "SMC, which the hypervisor skips or the CPU does not know",
      word: 0xd4000003,
      pc: 0x200n + 0x800n - 12n,
    },
    { name: "SVC, into the vector", word: a64.svc, pc: 0x200n + 0x800n - 12n },
    { name: "BRK of the guest's own, into the vector", word: a64.brk(7), pc: 0x200n + 0x800n - 12n },
    { name: "an undefined instruction", word: 0, pc: 0x200n + 0x800n - 12n },
    { name: "HVC: PSCI_VERSION", before: [a64.movz(0, 0x8400, 1)], word: a64.hvc, pc: 4n },
    { name: "an access to a device", before: [a64.movz(1, 0x900, 1)], word: a64.ldr(2, 1, 0x18), pc: 4n },
    { name: "a store to a device", before: [a64.movz(1, 0x900, 1)], word: a64.strw(2, 1), pc: 4n },
    {
      name: "a store of two registers to a device",
      before: [a64.movz(1, 0x900, 1)],
      word: a64.stp(2, 3, 1),
      pc: 4n,
    },
    {
      name: "a system register that is trapped while the host debugs",
      word: a64.mrs(1, sysreg.MDSCR_EL1),
      pc: 4n,
    },
    { name: "an access to nothing", before: [a64.movz(1, 0x3000, 1)], word: a64.ldr(2, 1), pc: 0xa00n - 12n },
    {
      name: "ERET to EL0",
      before: [
        a64.movz(1, 0x4000, 1),
        a64.movk(1, 0x0100),
        a64.msr(sysreg.ELR_EL1, 1),
        a64.msr(sysreg.SPSR_EL1, 31),
      ],
      word: a64.eret,
      pc: 0x100n - 12n,
    },
  ];
  for (const { name, word, before = [], pc } of cases) {
    it(name, () => {
      const words = [...setVectors, ...before, word, a64.nop, a64.nop];
      const { session, vcpu, machine } = debugCode(words);
      for (let n = 0; n < words.length - 3; n++) expect(session.stepNow()).toEqual(step);
      const at = afterVectors + BigInt(before.length * 4);
      expect(vcpu.pc).toBe(at);
      const time = machine.now;
      expect(session.stepNow()).toEqual(step);
      const absolute = pc >= 0xf0n ? afterVectors + pc : at + pc;
      expect(vcpu.pc).toBe(absolute);
      expect(machine.now).toBe(time + 1);
    });
  }

  it("is not confused by what the guest sees of debugging", () => {
    const { session, vcpu } = debugCode([a64.mrs(1, sysreg.MDSCR_EL1), a64.svc]);
    vcpu.setRegister("VBAR_EL1", VECTORS);
    session.stepNow();
    expect(vcpu.register("x1")).toBe(0n);
    session.stepNow();
    expect(vcpu.pc).toBe(VECTORS + 0x200n);
    expect(vcpu.register("SPSR_EL1")).toBe(0x3c5n);
  });
});

describe("stepping", () => {
  it("gets a load-exclusive loop done, instruction by instruction", () => {
    const loop = [a64.ldxr(0, 1), a64.add(0, 0, 1), a64.stxr(2, 0, 1), a64.cbnz(2, -3), a64.nop];
    const { session, vcpu } = debugCode(loop);
    session.settings.stepExclusivesWhole = false;
    vcpu.setRegister("x1", DATA);
    for (let n = 0; n < 4; n++) {
      // Looking does not disturb the exclusive monitor.
      vcpu.readMemory(DATA, 8);
      session.stepNow();
    }
    expect(vcpu.pc).toBe(CODE + 16n);
    expect(vcpu.readInteger(DATA, 8)).toBe(1n);
  });

  it("goes on from a wait when its interrupt has come, and does not end in the handler", async () => {
    const { session, address } = await debugOwnGuest("timer");
    const vcpu = session.current;
    await session.runTo(address("main"));
    let waits = 0;
    for (let n = 0; n < 20_000; n++) {
      session.stepNow();
      if (vcpu.state === "waiting") waits++;
      const pc = vcpu.pc;
      const vectors = vcpu.register("VBAR_EL1");
      expect(pc >= vectors && pc < vectors + 0x800n).toBe(false);
    }
    expect(waits).toBe(1);
  });

  it("takes interrupts when it is told to", async () => {
    const { session, address, printed, expected } = await debugOwnGuest("timer");
    const { current } = session;
    session.holdInterruptsWhileStepping = false;
    await session.runTo(address("main"));
    let inVectors = 0;
    while (session.status.kind !== "ended") {
      if (session.stepNow().kind === "ended") break;
      if (current.pc === current.register("VBAR_EL1") + 0x280n) inVectors++;
    }
    expect(inVectors).toBeGreaterThan(5);
    expect(printed()).toBe(expected);
  }, 30_000);

  it("of a range ends behind it, and not in a function that is called", async () => {
    const { session, address } = await debugOwnGuest("demo");
    const vcpu = session.vcpu(0);
    await session.runTo(address("copy_text"));
    const start = address("copy_text");
    const end = start + 0x40n;
    const stop = await new Promise((resolve) => {
      const unsubscribe = session.subscribe((event) => {
        if (event.kind === "running") return;
        unsubscribe();
        resolve(event);
      });
      session.resume(() => ({ kind: "range-step", start, end }));
    });
    expect(stop).toEqual(step);
    expect(vcpu.pc < start || vcpu.pc >= end).toBe(true);
    expect(vcpu.pc).toBe(vcpu.register("x30"));
  });

  it("of an empty range is a single step, and breakpoints inside of a range stop it", async () => {
    const { session, vcpu } = debugCode([a64.add(0, 0, 1), a64.add(0, 0, 1), a64.b(-2)]);
    const range = (start: bigint, end: bigint): VcpuAction => ({ kind: "range-step", start, end });
    session.resume(() => range(CODE, CODE));
    expect(vcpu.pc).toBe(CODE + 4n);
    const breakpoint = session.breakpoints.add({ address: CODE + 8n });
    session.resume(() => range(CODE, CODE + 12n));
    expect(session.status).toMatchObject({ reason: { kind: "breakpoint", breakpoints: [breakpoint] } });
    expect(vcpu.register("x0")).toBe(2n);
    session.resume(() => range(CODE, CODE + 12n));
    expect(vcpu.register("x0")).toBe(4n);
    session.breakpoints.remove(breakpoint);
    session.resume(() => range(CODE, CODE + 12n));
    expect(session.status).toEqual({ kind: "running" });
    session.stop();
    expect(session.status).toMatchObject({ kind: "stopped", reason: { kind: "interrupt" } });
  });

  it("of one vCPU lets the others run, or stand", async () => {
    const { session, address } = await debugOwnGuest("smp", { cpus: 4 });
    await session.runTo(address("lock_swap"));
    const [a, b] = [session.current, session.vcpus.find((each) => each !== session.current)];
    const before = b?.pc;
    for (let n = 0; n < 200; n++) session.stepNow(a);
    expect(b?.pc).toBe(before);
    for (let n = 0; n < 20; n++)
      expect(await session.step(a)).toEqual({ kind: "stopped", vcpu: a.id, reason: { kind: "step" } });
    const stop = await session.continue();
    expect(stop).toEqual({ kind: "ended", reason: "power-off" });
  });

  it("does not get stuck on a vCPU that is off or waits for ever", () => {
    const { session } = debugCode([a64.wfi, a64.nop], { cpus: 2 });
    expect(session.stepNow(session.vcpu(1))).toEqual({
      kind: "stopped",
      vcpu: 0,
      reason: { kind: "interrupt" },
    });
    expect(session.vcpu(1).state).toBe("off");
    expect(session.stepNow()).toEqual(step);
    expect(session.vcpu(0).state).toBe("waiting");
    expect(session.stepNow()).toMatchObject({ reason: { kind: "interrupt" } });
    expect(session.vcpu(0).pc).toBe(CODE + 4n);
  });

  it("over CPU_OFF and SYSTEM_OFF ends where they do", () => {
    const off = debugCode([a64.movz(0, 0x8400, 1), a64.movk(0, 2), a64.hvc], { cpus: 2 });
    for (let n = 0; n < 3; n++) expect(off.session.stepNow()).toEqual(step);
    expect(off.vcpu.state).toBe("off");
    const system = debugCode([a64.movz(0, 0x8400, 1), a64.movk(0, 8), a64.hvc]);
    system.session.stepNow();
    system.session.stepNow();
    expect(system.session.stepNow()).toEqual({ kind: "ended", reason: "power-off" });
    expect(() => system.session.stepNow()).toThrow("the guest has ended; reset it first");
    system.session.reset();
    expect(system.vcpu.pc).toBe(CODE);
    expect(system.session.stepNow()).toEqual(step);
  });
});
