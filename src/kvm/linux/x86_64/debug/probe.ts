import { identityMap } from "../../../../machine/boot/x86/pageTables.ts";
import type { X86Exit } from "../../../exits.ts";
import { guestDebugControl, type X86GuestDebug, x86GuestDebugControl } from "../../../guestDebug.ts";
import { longMode, realMode } from "../../../x86Modes.ts";
import type { LinuxKvm } from "../../kvm.ts";
import type { X86Sregs } from "../../uapi/x86_64/records.ts";
import { type InstructionFeature, instructionFeatures } from "../instructions.ts";
import type { X86VcpuFile } from "../vcpuFile.ts";
import { LinuxX86Vm } from "../vm.ts";
import { faithful, type HostDebugFacts, type Int3Outcome } from "./facts.ts";

type Mode = keyof HostDebugFacts["step"];

const { ENABLE, SINGLESTEP, USE_SW_BP, USE_HW } = guestDebugControl;

/** What every kernel that can debug guests knows, though it may not tell (`KVM_CAP_SET_GUEST_DEBUG2` is younger). */
const oldControl =
  ENABLE | SINGLESTEP | USE_SW_BP | USE_HW | x86GuestDebugControl.INJECT_DB | x86GuestDebugControl.INJECT_BP;

/** Guest-physical addresses. */
const code = 0x1000n;
const watched = 0x3000n;
const handler = 0x4000n;
const gdt = 0x5000n;
const idt = 0x6000n;
const tss = 0x7000n;
const stack = 0x9000n;
const kernelStack = 0xa000n;
const pageTables = 0x1_0000n;
const ramBytes = 0x2_0000n;

const vectors = 32;

/** A guest that does not come back within so many milliseconds, so often, does not come back. */
const patience = 20;
const enough = 3;

/** Null, kernel code, kernel data, user data, user code, and the TSS at 0x7000 (Intel SDM volume 3, 3.4.5, 7.2.3). */
const descriptors = [
  0n,
  0x00af_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00cf_f300_0000_ffffn,
  0x00af_fb00_0000_ffffn,
  0x0000_8b00_0000_0067n | (tss << 16n),
  0n,
];

/** NOP, NOP, and then what ends it: HLT, or in user mode UD2, whose handler halts. */
const nops = {
  real: [0x90, 0x90, 0xf4],
  kernel: [0x90, 0x90, 0xf4],
  user: [0x90, 0x90, 0x0f, 0x0b],
} as const;
/** INT3, and the end. */
const int3 = { real: [0xcc, 0xf4], kernel: [0xcc, 0xf4], user: [0xcc, 0x0f, 0x0b] } as const;
/** MOV [0x3000], AL, NOP, and the end. */
const store = {
  real: [0xa2, 0x00, 0x30, 0x90, 0xf4],
  kernel: [0x88, 0x04, 0x25, 0x00, 0x30, 0x00, 0x00, 0x90, 0xf4],
  user: [0x88, 0x04, 0x25, 0x00, 0x30, 0x00, 0x00, 0x90, 0x0f, 0x0b],
} as const;
/** IRETQ, and behind a byte between them NOP, NOP, HLT. */
const iret = [0x48, 0xcf, 0xf4, 0x90, 0x90, 0xf4] as const;
/** Bits of ECX in CPUID's leaf 1 that KVM itself changes: MONITOR and OSXSAVE. */
const changingBits = (1 << 3) | (1 << 27);

/** CPUID; HLT. */
const cpuid = [0x0f, 0xa2, 0xf4] as const;
/** OUT 0x10, AL; NOP; HLT. */
const output = [0xe6, 0x10, 0x90, 0xf4] as const;

/** DR7: register 0, globally; for execution, or for writes of one byte. */
const dr7 = { execute: 0x402n, write: 0x1_0402n } as const;

/**
 * Finds out what the host's KVM does when it debugs, by guests of a few instructions; some 20 milliseconds.
 * @throws KvmError, SubstrateError when it cannot run a guest at all
 */
export function probeHost(kvm: LinuxKvm): HostDebugFacts {
  const vm = new LinuxX86Vm(kvm, { facts: faithful });
  try {
    return new Probe(vm).facts(kvm.checkExtension("SET_GUEST_DEBUG2") || oldControl);
  } finally {
    vm.close();
  }
}

class Probe {
  readonly #vm: LinuxX86Vm;
  readonly #file: X86VcpuFile;
  /** As it is before the first instruction. */
  readonly #reset: X86Sregs;

  constructor(vm: LinuxX86Vm) {
    this.#vm = vm;
    const [vcpu] = vm.vcpus;
    if (vcpu === undefined) throw new RangeError("a VM without a vCPU");
    this.#file = vcpu.file;
    this.#reset = vcpu.file.getSregs();
    vm.setMemoryRegion({ slot: 0, guestPhysicalAddress: 0n, size: ramBytes });
    vm.writeMemory(pageTables, identityMap(pageTables, 0x20_0000n, true));
    vm.writeMemory(gdt, words(descriptors));
    vm.writeMemory(handler, Uint8Array.of(0xf4));
    // Interrupt gates to the handler, open to user mode too; and real mode's vectors to the same.
    const gate = (handler & 0xffffn) | (0x08n << 16n) | (0xee00n << 32n);
    vm.writeMemory(idt, words(Array.from({ length: vectors }, () => [gate, 0n]).flat()));
    vm.writeMemory(0n, words(Array.from({ length: vectors / 2 }, () => handler | (handler << 32n))));
    vm.writeMemory(tss + 4n, words([kernelStack]));
    vm.interruptEvery(patience);
  }

  facts(control: number): HostDebugFacts {
    const modes = <T>(ask: (mode: Mode) => T): { real: T; kernel: T; user: T } => ({
      real: ask("real"),
      kernel: ask("kernel"),
      user: ask("user"),
    });
    const execution = modes((mode) => this.#stops(mode, nops[mode], code + 1n, dr7.execute));
    const int3Outcome = modes((mode) => this.#int3(mode));
    return {
      control,
      step: modes((mode) => this.#steps(mode)),
      iretStep: this.#iretSteps(),
      outputStep: this.#outputSteps(),
      int3: int3Outcome,
      execution,
      userEntry: this.#stops("user", int3.user, handler, dr7.execute),
      resumeFlag: execution.kernel && !this.#stops("kernel", nops.kernel, code, dr7.execute, 0x1_0002n),
      watchpoint: modes((mode) => this.#stops(mode, store[mode], watched, dr7.write)),
      injectsAfterInt3: int3Outcome.kernel === "exit" && this.#injectsAfterInt3(),
      cpuid: this.#showsWhatItIsTold(),
      missingInstructions: instructionFeatures
        .filter((feature) => this.#shows(feature) && !this.#executes(feature))
        .map(({ name }) => name),
    };
  }

  /** Puts the guest at its first instruction. */
  #begin(mode: Mode, bytes: readonly number[], debug: X86GuestDebug, rflags = 2n): void {
    const file = this.#file;
    this.#vm.writeMemory(code, Uint8Array.from(bytes));
    file.setGuestDebug({ control: 0 });
    file.setSregs(sregsOf(mode, this.#reset));
    file.setRegs({ ...file.getRegs(), rip: code, rsp: stack, rflags });
    const events = file.getVcpuEvents();
    file.setVcpuEvents({ ...events, flags: 0, exception: { ...events.exception, injected: 0, pending: 0 } });
    file.setGuestDebug(debug);
  }

  /** Until the guest comes back, or has had its time. */
  #run(): X86Exit {
    // The first interruption may have been due just now.
    for (let interruptions = 1; ; interruptions++) {
      const exit = this.#file.run();
      if (exit.reason !== "INTR" || interruptions === enough) return exit;
    }
  }

  #steps(mode: Mode): boolean {
    this.#begin(mode, nops[mode], { control: ENABLE | SINGLESTEP });
    const exit = this.#run();
    return exit.reason === "DEBUG" && exit.arch.pc === code + 1n;
  }

  #iretSteps(): boolean {
    this.#begin("kernel", iret, { control: ENABLE | SINGLESTEP });
    const frame = [code + 3n, 0x08n, 2n, stack, 0x10n];
    this.#vm.writeMemory(stack - 40n, words(frame));
    this.#file.setRegs({ ...this.#file.getRegs(), rsp: stack - 40n });
    const exit = this.#run();
    return exit.reason === "DEBUG" && exit.arch.pc === code + 3n;
  }

  #outputSteps(): boolean {
    this.#begin("kernel", output, { control: ENABLE | SINGLESTEP });
    if (this.#run().reason !== "IO") return false;
    const exit = this.#run();
    return exit.reason === "DEBUG" && exit.arch.pc === code + 2n;
  }

  #int3(mode: Mode): Int3Outcome {
    this.#begin(mode, int3[mode], { control: ENABLE | USE_SW_BP });
    const exit = this.#run();
    if (exit.reason === "INTERNAL_ERROR") return "error";
    return exit.reason === "DEBUG" && exit.arch.exception === 3 ? "exit" : "guest";
  }

  /** Whether register 0 stops the guest. */
  #stops(mode: Mode, bytes: readonly number[], address: bigint, dr7: bigint, rflags = 2n): boolean {
    const arch = { addresses: [address], dr7 };
    this.#begin(mode, bytes, { control: ENABLE | USE_HW, arch }, rflags);
    const exit = this.#run();
    return exit.reason === "DEBUG" && (exit.arch.dr6 & 1n) !== 0n;
  }

  /** What the guest's CPUID gives for a leaf. */
  #cpuid(leaf: number): Readonly<Record<"eax" | "ebx" | "ecx" | "edx", number>> {
    this.#begin("kernel", cpuid, { control: 0 });
    this.#file.setRegs({ ...this.#file.getRegs(), rax: BigInt(leaf), rcx: 0n });
    this.#run();
    const { rax, rbx, rcx, rdx } = this.#file.getRegs();
    const half = (value: bigint): number => Number(BigInt.asUintN(32, value));
    return { eax: half(rax), ebx: half(rbx), ecx: half(rcx), edx: half(rdx) };
  }

  #showsWhatItIsTold(): boolean {
    const told = this.#vm.cpuid.find((entry) => entry.function === 1)?.ecx;
    return told === undefined || ((this.#cpuid(1).ecx ^ told) & ~changingBits) === 0;
  }

  #shows({ shown: { leaf, register, bit } }: InstructionFeature): boolean {
    const most = this.#cpuid(leaf - (leaf % 0x4000_0000)).eax;
    return leaf <= most && ((this.#cpuid(leaf)[register] >>> bit) & 1) !== 0;
  }

  /** Whether the guest gets to the HLT behind an instruction. */
  #executes({ bytes, cr4 }: InstructionFeature): boolean {
    this.#begin("kernel", [...bytes, 0xf4], { control: 0 });
    const sregs = this.#file.getSregs();
    this.#file.setSregs({ ...sregs, cr4: sregs.cr4 | (cr4 ?? 0n) });
    // INVPCID of all contexts; no component for XSAVE.
    this.#file.setRegs({ ...this.#file.getRegs(), rax: 2n, rdx: 0n });
    const behind = code + BigInt(bytes.length + 1);
    return this.#run().reason === "HLT" && this.#file.getRegs().rip === behind;
  }

  #injectsAfterInt3(): boolean {
    this.#begin("kernel", int3.kernel, { control: ENABLE | USE_SW_BP });
    this.#run();
    this.#file.setGuestDebug({ control: ENABLE | x86GuestDebugControl.INJECT_BP });
    if (this.#run().reason !== "HLT") return false;
    const saved = this.#vm.readMemory(this.#file.getRegs().rsp, 8);
    return new DataView(saved.buffer).getBigUint64(0, true) === code + 1n;
  }
}

const words = (values: readonly bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);

function sregsOf(mode: Mode, reset: X86Sregs): X86Sregs {
  if (mode === "real") return realMode(reset);
  const kernel = longMode(reset, pageTables, {
    gdt: { base: gdt, limit: descriptors.length * 8 - 1 },
    idt: { base: idt, limit: vectors * 16 - 1 },
    tss: { base: tss, selector: 0x28 },
  });
  if (mode === "kernel") return kernel;
  const ss = { ...kernel.ss, selector: 0x1b, dpl: 3 };
  return { ...kernel, cs: { ...kernel.cs, selector: 0x23, dpl: 3 }, ss, ds: ss, es: ss };
}
