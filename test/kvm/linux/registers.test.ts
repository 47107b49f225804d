import { describe, expect, it } from "vitest";
import { faithful } from "../../../src/kvm/linux/x86_64/debug/facts.ts";
import { requireTool } from "../../support/tools.ts";
import { withMachine } from "./machines.ts";

const kvm = requireTool("/dev/kvm");
const hlt = "f4";

/** MSR_LSTAR. */
const lstar = 0xc000_0082;

describe.skipIf(!kvm.available)("the registers of a vCPU on /dev/kvm", () => {
  it("are what was set: general, special, floating point, extended control", () => {
    withMachine("long", hlt, ({ vcpu }) => {
      const regs = { ...vcpu.getRegs(), rax: 0xffff_ffff_ffff_fffen, r15: 0x0123_4567_89ab_cdefn };
      vcpu.setRegs(regs);
      expect(vcpu.getRegs()).toEqual(regs);

      const sregs = vcpu.getSregs();
      const changed = {
        ...sregs,
        cr2: 0xffff_8000_0000_1234n,
        gs: { ...sregs.gs, base: 0xffff_8880_0000_0000n },
      };
      vcpu.setSregs(changed);
      expect(vcpu.getSregs()).toMatchObject({ cr2: changed.cr2, gs: { base: changed.gs.base } });

      const fpu = vcpu.getFpu();
      fpu.xmm[15]?.fill(0xa5);
      fpu.fpr[7]?.fill(0x5a, 0, 10);
      vcpu.setFpu({ ...fpu, fcw: 0x27f });
      expect(vcpu.getFpu().xmm[15]).toEqual(new Uint8Array(16).fill(0xa5));
      expect(vcpu.getFpu().fcw).toBe(0x27f);

      // The XSAVE image has what kvm_fpu has not: MXCSR is at byte 24.
      const xsave = vcpu.getXsave();
      xsave.fill(0x3c, 160 + 14 * 16, 160 + 15 * 16);
      xsave.set([0x80, 0x3f, 0, 0], 24);
      // XSTATE_BV: x87 and SSE state are in the image.
      xsave[512] = (xsave[512] ?? 0) | 3;
      vcpu.setXsave(xsave);
      expect([...vcpu.getXsave().subarray(24, 28)]).toEqual([0x80, 0x3f, 0, 0]);
      expect(vcpu.getFpu().xmm[14]).toEqual(new Uint8Array(16).fill(0x3c));

      const xcrs = vcpu.getXcrs();
      expect(xcrs.nr_xcrs).toBe(1);
      expect(xcrs.xcrs[0]).toMatchObject({ xcr: 0 });
      vcpu.setXcrs(xcrs);
    });
  });

  it("are what was set: model-specific, debug, events, power state", () => {
    withMachine("long", hlt, ({ vcpu }) => {
      vcpu.setMsr(lstar, 0xffff_ffff_8100_0000n);
      expect(vcpu.getMsr(lstar)).toBe(0xffff_ffff_8100_0000n);
      expect(() => vcpu.getMsr(0x4b564dff)).toThrow("there is no MSR 0x4b564dff");

      vcpu.setDebugRegs({ ...vcpu.getDebugRegs(), db: [0x1000n, 0x2000n, 0n, 0x3000n], dr7: 0x4aan });
      expect(vcpu.getDebugRegs()).toMatchObject({ db: [0x1000n, 0x2000n, 0n, 0x3000n], dr7: 0x4aan });

      const events = vcpu.getVcpuEvents();
      expect(events.exception.pending).toBe(0);
      vcpu.setVcpuEvents({ ...events, nmi: { ...events.nmi, masked: 1 } });
      expect(vcpu.getVcpuEvents().nmi.masked).toBe(1);

      expect(vcpu.mpState).toBe("RUNNABLE");
    });
  });

  it("cannot be set to what no CPU holds: the error is KVM's, in one line", () => {
    withMachine("long", hlt, ({ vcpu }) => {
      const sregs = vcpu.getSregs();
      // CR0.PG without CR0.PE
      expect(() => vcpu.setSregs({ ...sregs, cr0: 0x8000_0000n })).toThrow("KVM_SET_SREGS (EINVAL)");
      expect(vcpu.getSregs()).toEqual(sregs);
    });
  });

  it("show no hypercalls where VMCALL is not done with", () => {
    const features = (missingInstructions: readonly string[]): bigint =>
      // mov eax, 0x40000001; cpuid; hlt
      withMachine(
        "long",
        "b8 01 00 00 40 0f a2 f4",
        ({ vcpu }) => {
          expect(vcpu.run().reason).toBe("HLT");
          return vcpu.getRegs().rax;
        },
        { facts: { ...faithful, missingInstructions } },
      );
    const hypercalls = (1n << 7n) | (1n << 11n) | (1n << 13n) | (1n << 16n);
    expect(features(["VMCALL"])).toBe(features([]) & ~hypercalls);
    // Or the above says nothing.
    expect(features([]) & 1n).toBe(1n);
  });

  it("tell where a linear address leads", () => {
    withMachine("long", hlt, ({ vcpu }) => {
      expect(vcpu.translate(0x1234n)).toMatchObject({ physicalAddress: 0x1234n });
      expect(vcpu.translate(0x7f00_0000_0000n)).toBeUndefined();
      // Not canonical: KVM would leave the upper bits out.
      expect(vcpu.translate(0x8000_0000_0000_1234n)).toBeUndefined();
      expect(vcpu.translate(0xffff_0000_0000_1234n)).toBeUndefined();
    });
  });
});
