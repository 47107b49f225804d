import { describe, expect, it } from "vitest";
import { HypervisorControls } from "../../../../../src/cpu/arm64/controls.ts";
import { a64 } from "../../../../cpu/arm64/support/assembler.ts";
import { type BareOptions, place, stopped } from "../../../../cpu/arm64/support/machine.ts";
import {
  breakpointControl,
  DebuggedMachine,
  debugRegister,
  ENABLE,
  engines,
  monitor,
  SINGLESTEP,
  set,
  state,
  USE_HW,
  USE_SW_BP,
} from "./support.ts";

const code = BigInt(place.code);

/** The host's own MDCR_EL2: six counters, nothing else. */
const hosts = 0x6;
/** What KVM computes when nobody debugs, and what a CPU without SPE has of it. */
const [computed, readBack] = [0x4e66, 0xe66];
const [TDE, TDA] = [0x100, 0x200];

/** A machine, and every value that its first CPU's MDCR_EL2 has had since. */
function observed(options: BareOptions): { readonly machine: DebuggedMachine; readonly writes: number[] } {
  const machine = new DebuggedMachine(options);
  const writes: number[] = [];
  machine.vcpu().cpu.controls.onMdcrWrite = (value) => writes.push(value);
  return { machine, writes };
}

describe.each(engines)("S3 on the $name", ({ engine }) => {
  describe("S3.1 before anything can fail", () => {
    it.each([true, false])(
      "S3.1: a first run that fails has had its value computed, and the CPU never held 0 (VHE: %s)",
      (vhe) => {
        const { machine, writes } = observed({ engine, vhe });
        // Memory is where the interrupt controller should be: its mapping fails in the first run.
        machine.vm.setInterruptController(machine.interrupts, undefined, [
          { address: place.ram + 0x1000, size: 0x1000 },
        ]);
        machine.begin([a64.nop]);
        expect(() => machine.run()).toThrow(
          expect.objectContaining({
            errno: "EINVAL",
            message: expect.stringContaining("interrupt controller"),
          }),
        );
        expect(machine.vcpu().debug.mdcr).toBe(computed);
        expect(writes).toEqual(vhe ? [readBack, hosts] : []);
        expect(machine.vcpu().cpu.controls.mdcr).toBe(hosts);
        // It goes on once the mapping is possible, with no moment at which the register is 0.
        machine.vm.setInterruptController(machine.interrupts, undefined);
        expect(machine.run()).toEqual(stopped);
        expect(writes.every((value) => value !== 0)).toBe(true);
      },
    );

    it("S3.1: in the first run of a vCPU the first value that MDCR_EL2 gets is the computed one", () => {
      const { machine, writes } = observed({ engine });
      machine.begin([a64.nop]);
      machine.run();
      expect(writes[0]).toBe(readBack);
    });
  });

  describe("S3.2 the value", () => {
    it("S3.2: with six counters and nobody debugging it is 0x4e66, and 0xe66 in a CPU without SPE", () => {
      const { machine, writes } = observed({ engine });
      expect(machine.vcpu().debug.mdcr).toBe(0x4e66);
      machine.begin([a64.nop]);
      machine.run();
      expect(writes).toEqual([0xe66, hosts]);
    });

    it("S3.2: without SPE, TPMS and E2PB are RES0; every other field is kept", () => {
      const controls = new HypervisorControls();
      expect(controls.mdcr).toBe(6);
      controls.writeMdcr(0xffff_ffff);
      expect(controls.mdcr).toBe(0xfff);
      controls.writeMdcr(0);
      expect(controls.mdcr).toBe(0);
    });

    it("S3.2: HPMN is the host's", () => {
      const { machine } = observed({ engine });
      machine.vcpu().cpu.controls.writeMdcr(4);
      machine.begin([a64.nop]);
      machine.run();
      machine.debug(ENABLE);
      expect(machine.vcpu().debug.mdcr).toBe(0x4e64 | TDE);
      expect(machine.vcpu().cpu.controls.mdcr).toBe(4);
    });

    it.each([
      ["nobody debugs", 0, 0n, computed],
      ["the host has ENABLE", ENABLE, 0n, computed | TDE],
      ["the host steps", ENABLE | SINGLESTEP, 0n, computed | TDE],
      ["the host uses the hardware", ENABLE | USE_HW, 0n, computed | TDE],
      ["the guest has MDE", 0, monitor.MDE, computed & ~TDA],
      ["the guest has KDE", 0, monitor.KDE, computed & ~TDA],
      ["the guest has SS alone", 0, monitor.SS, computed],
      ["the guest has MDE and the host patches", ENABLE | USE_SW_BP, monitor.MDE, (computed & ~TDA) | TDE],
      ["the guest has MDE and the host uses the hardware", ENABLE | USE_HW, monitor.MDE, computed | TDE],
    ] as const)("S3.2: %s", (_, control, mdscr, value) => {
      const { machine, writes } = observed({ engine });
      machine.begin([a64.nop]);
      machine.register("MDSCR_EL1", mdscr);
      machine.debug(control);
      machine.vcpu().run(1);
      expect(machine.vcpu().debug.mdcr).toBe(value);
      expect(writes).toEqual([value & 0xfff, hosts]);
    });
  });

  describe("S3.3 one state", () => {
    const cases = [
      0,
      ENABLE,
      ENABLE | USE_SW_BP,
      ENABLE | SINGLESTEP,
      ENABLE | USE_HW,
      ENABLE | USE_HW | SINGLESTEP,
    ].flatMap((control) =>
      [0n, monitor.SS, monitor.KDE, monitor.MDE, monitor.KDE | monitor.MDE].map((mdscr) => ({
        control,
        mdscr,
      })),
    );

    it("S3.3: owner and traps follow from who debugs and what the guest has set, whichever came first", () => {
      for (const { control, mdscr } of cases) {
        const [hostFirst, guestFirst] = [new DebuggedMachine({ engine }), new DebuggedMachine({ engine })];
        hostFirst.debug(control);
        hostFirst.register("MDSCR_EL1", mdscr);
        guestFirst.register("MDSCR_EL1", mdscr);
        guestFirst.debug(control);
        const [a, b] = [hostFirst.vcpu().debug, guestFirst.vcpu().debug];
        expect([a.owner, a.mdcr]).toEqual([b.owner, b.mdcr]);
        const isDirty = (mdscr & (monitor.KDE | monitor.MDE)) !== 0n;
        expect(a.owner).toBe((control & USE_HW) !== 0 ? "host" : isDirty ? "guest" : "free");
        expect((a.mdcr & TDA) === 0).toBe(a.owner === "guest");
        expect((a.mdcr & TDE) !== 0).toBe(control !== 0);
      }
    });

    it("S3.3: registers that nobody owns trap once; then the guest reaches them itself until the run ends", () => {
      const { machine, writes } = observed({ engine });
      machine.begin([
        ...set(debugRegister.bvr(0), 0x100n),
        ...set(debugRegister.bvr(1), 0x200n),
        a64.mrs(1, debugRegister.bvr(0)),
      ]);
      machine.run();
      expect(machine.x(1)).toBe(0x100n);
      expect(writes).toEqual([readBack, readBack & ~TDA, hosts]);
      // Nothing came of it: at the next load they are free again.
      machine.run();
      expect(machine.vcpu().debug.owner).toBe("free");
    });

    it("S3.3: what the guest writes without a trap is in the hardware at the next instruction", () => {
      const machine = new DebuggedMachine({ engine });
      machine.begin(
        [
          ...set(debugRegister.MDSCR_EL1, monitor.MDE | monitor.KDE),
          a64.daifClear(8),
          ...set(debugRegister.bvr(0), code + 4n * 17n),
          ...set(debugRegister.bcr(0), BigInt(breakpointControl)),
          a64.nop,
          a64.addImm(1, 1, 1),
          a64.addImm(1, 1, 1),
        ],
        state.el1 | state.daif,
      );
      expect(machine.run()).toEqual(stopped);
      expect(machine.exception()).toMatchObject({ ec: 0x31, elr: place.code + 4 * 17 });
    });

    it("S3.3: a breakpoint of the host's never fires for the guest, nor the guest's for nobody", () => {
      const machine = new DebuggedMachine({ engine });
      machine.begin([a64.nop, a64.nop, a64.nop, a64.nop], state.el1);
      machine.debug(ENABLE | USE_HW, { breakpoints: [code + 4n] });
      expect(machine.run()).toMatchObject({ reason: "DEBUG", arch: { hsr: 0xc200_0022 } });
      // The host lets go: its registers are gone although nobody else has loaded any.
      machine.debug(0);
      expect(machine.run()).toEqual(stopped);
      expect(machine.registerValue("ELR_EL1")).toBe(0n);
    });
  });

  describe("S3.4 when it is written", () => {
    const program = [a64.mrs(1, debugRegister.PMCR_EL0), a64.mrs(1, debugRegister.PMCR_EL0), a64.nop];

    it("S3.4: with VHE when the vCPU is loaded and put, whatever EL2 does in between", () => {
      const { machine, writes } = observed({ engine, vhe: true });
      machine.begin(program);
      machine.run();
      expect(writes).toEqual([readBack, hosts]);
    });

    it("S3.4: with VHE again only when the value changes within the run", () => {
      const { machine, writes } = observed({ engine, vhe: true });
      machine.begin([...program, ...set(debugRegister.MDSCR_EL1, monitor.MDE), ...program]);
      machine.run();
      expect(writes).toEqual([readBack, readBack & ~TDA, hosts]);
    });

    it("S3.4: without VHE at each world switch, and the host's value comes back after each", () => {
      const { machine, writes } = observed({ engine, vhe: false });
      machine.begin(program);
      machine.run();
      // Two trapped reads, and the wait at the end.
      expect(writes).toEqual([readBack, hosts, readBack, hosts, readBack, hosts]);
    });

    it.each([true, false])(
      "S3.4: after every exit the host has its MDCR_EL2, and the guest its own registers (VHE: %s)",
      (vhe) => {
        const { machine } = observed({ engine, vhe });
        machine.begin([a64.nop, a64.brk(1)], state.el1 | state.ss);
        const own = {
          MDSCR_EL1: monitor.MDE,
          OSLSR_EL1: 0xan,
          OSDLR_EL1: 1n,
          DBGBVR0_EL1: 0x1234n,
          DBGBCR0_EL1: 0x1e5n,
          DBGWVR3_EL1: 0x5678n,
          DBGWCR3_EL1: 0x1ff5n,
        } as const;
        for (const [name, value] of Object.entries(own)) machine.register(name, value);
        const { controls } = machine.vcpu().cpu;
        for (const control of [
          ENABLE,
          ENABLE | USE_HW | SINGLESTEP,
          ENABLE | SINGLESTEP,
          ENABLE | USE_HW,
          0,
        ]) {
          machine.debug(control, { breakpoints: [code], watchpoints: [code] });
          machine.vcpu().run(1);
          expect(controls.mdcr).toBe(hosts);
          for (const [name, value] of Object.entries(own))
            expect(machine.registerValue(name), `${name} after 0x${control.toString(16)}`).toBe(value);
          expect(machine.pstate & state.ss).toBe(control === 0 ? machine.pstate & state.ss : state.ss);
        }
      },
    );
  });
});
