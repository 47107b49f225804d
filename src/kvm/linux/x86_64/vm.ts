import { KvmError } from "../../errors.ts";
import type { Capability, MemoryRegion } from "../../interface.ts";
import type { X86Vm } from "../../x86Vcpu.ts";
import { SubstrateError } from "../errors.ts";
import { GuestRam } from "../guestRam.ts";
import { HostMemory } from "../hostMemory.ts";
import { capabilityNumber, isLinuxCapability, type LinuxCapability, type LinuxKvm } from "../kvm.ts";
import { Interrupter } from "../signals.ts";
import { Bell } from "../thread/bell.ts";
import { VcpuThread } from "../thread/vcpuThread.ts";
import { decode, encode } from "../uapi/layout.ts";
import { kvmIrqLevel, kvmPitConfig } from "../uapi/structures.ts";
import { x86Ioctls } from "../uapi/x86_64/ioctls.ts";
import type { X86CpuidEntry } from "../uapi/x86_64/records.ts";
import { kvmCpuid2, kvmCpuidEntry2, kvmIrqchip, kvmPitState2 } from "../uapi/x86_64/structures.ts";
import type { HostDebugFacts } from "./debug/facts.ts";
import { withoutFeatures } from "./instructions.ts";
import type { DebugSurroundings } from "./lostSteps.ts";
import { takeDownVcpu } from "./takeDown.ts";
import { LinuxX86Vcpu } from "./vcpu.ts";
import { X86VcpuFile } from "./vcpuFile.ts";

/**
 * Three pages that KVM uses below 4 GiB on Intel, and one for the identity map: just below where firmware lies on a PC, where no
 * RAM is either (Documentation/virt/kvm/api.rst, KVM_SET_TSS_ADDR).
 */
const tssAddress = 0xfffb_d000;
const identityMapAddress = 0xfffb_c000;

const neededCapabilities: readonly LinuxCapability[] = [
  "USER_MEMORY",
  "READONLY_MEM",
  "SYNC_MMU",
  "SYNC_REGS",
  "IMMEDIATE_EXIT",
  "SET_TSS_ADDR",
  "EXT_CPUID",
  "VCPU_EVENTS",
  "DEBUGREGS",
  "SET_GUEST_DEBUG",
];

/** Two PICs and the I/O APIC. */
const irqchips = [0, 1, 2] as const;

/** More than KVM has. */
const mostMsrs = 2048;

/** More than any processor has leaves of CPUID. */
const cpuidEntries = 256;

const debugRegisters = 4;

/** KVM_PIT_SPEAKER_DUMMY: port 0x61, by which guests measure time, is the kernel's too. */
const speakerDummy = 1;

/** What a VM is made of. */
export interface LinuxX86VmOptions extends DebugSurroundings {
  readonly cpus?: number;
  /** The timer in the kernel; needs the interrupt controllers there. */
  readonly pit?: boolean;
}

/** A VM of the host's KVM with x86 vCPUs, which run in the thread that made it, or in threads of their own. */
export class LinuxX86Vm implements X86Vm {
  readonly vcpus: readonly LinuxX86Vcpu[];
  onNotice: ((vcpu: number, text: string) => void) | undefined;
  /** What this host's KVM does when it debugs. */
  readonly facts: HostDebugFacts;
  /** What the guest's CPUID tells. */
  readonly cpuid: readonly X86CpuidEntry[] = [];
  readonly #kvm: LinuxKvm;
  readonly #file: number;
  readonly #ram: GuestRam;
  readonly #argument: HostMemory;
  readonly #interrupter: Interrupter;
  readonly #msrs: readonly number[] = [];
  readonly #hasIrqchip: boolean;
  readonly #hasPit: boolean;
  readonly #bell = new Bell();
  /** Threads that are in a guest would keep the program from ending. */
  readonly #atExit = (): void => {
    for (const { file } of this.vcpus) file.endThread();
  };
  #hasThreads = false;
  #closed = false;

  /** @throws KvmError what the kernel refuses; SubstrateError for a capability that is missing. */
  constructor(kvm: LinuxKvm, options: LinuxX86VmOptions) {
    if (process.arch !== "x64")
      throw new SubstrateError(
        `the linux substrate runs x86 guests on x86-64 hosts, and this host is ${process.arch}; use the embedded substrate`,
      );
    kvm.require(neededCapabilities);
    if (options.irqchip === true) kvm.require(["IRQCHIP"]);
    if (options.pit === true) kvm.require(["PIT2"]);
    this.facts = options.facts;
    this.#hasIrqchip = options.irqchip === true;
    this.#hasPit = options.pit === true;
    this.#kvm = kvm;
    const { libc } = kvm;
    this.#file = kvm.createVm();
    this.#ram = new GuestRam(libc, this.#file);
    this.#argument = HostMemory.allocate(libc, 16384);
    this.#interrupter = new Interrupter(libc);
    const vcpus: LinuxX86Vcpu[] = [];
    this.vcpus = vcpus;
    try {
      this.#setUp(options);
      const cpuid = withoutFeatures(this.#supportedCpuid(), options.facts.missingInstructions);
      this.cpuid = cpuid;
      this.#msrs = this.#listMsrs();
      for (let id = 0; id < (options.cpus ?? 1); id++) vcpus.push(this.#createVcpu(id, cpuid, options));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** `KVM_CHECK_EXTENSION` on the VM; 0 when absent. */
  checkExtension(capability: LinuxCapability | Capability): number {
    // arm64's names for what x86 always has: DR0 to DR3.
    if (capability === "GUEST_DEBUG_HW_BPS" || capability === "GUEST_DEBUG_HW_WPS") return debugRegisters;
    if (!isLinuxCapability(capability)) return 0;
    const number = capabilityNumber(capability);
    return Math.max(0, this.#kvm.libc.ioctl(this.#file, x86Ioctls.KVM_CHECK_EXTENSION, number));
  }

  /** @throws KvmError EOPNOTSUPP where watchpoints are made up for by stepping, which shows writes only */
  checkWatchpoint(access: "read" | "write" | "access"): void {
    if (access === "write" || this.facts.watchpoint.kernel) return;
    throw new KvmError(
      "EOPNOTSUPP",
      "this host's KVM has no watchpoints, and without them only writes can be watched, by stepping",
    );
  }

  /** `KVM_SET_USER_MEMORY_REGION`. @throws KvmError EINVAL, EEXIST on overlap, ENOMEM. */
  setMemoryRegion(region: MemoryRegion): void {
    this.#ram.set(region);
  }

  /** The bytes of guest-physical memory themselves, not a copy; until the slot is deleted. @throws KvmError EFAULT */
  viewMemory(address: bigint, length: number): Uint8Array {
    return this.#ram.view(address, length);
  }

  /** Copies guest-physical memory out. @throws KvmError EFAULT outside all slots. */
  readMemory(address: bigint, length: number): Uint8Array {
    return this.#ram.read(address, length);
  }

  /** Copies bytes into guest-physical memory, also into read-only slots. @throws KvmError EFAULT */
  writeMemory(address: bigint, bytes: Uint8Array): void {
    this.#ram.write(address, bytes);
  }

  /** `KVM_IRQ_LINE` of the interrupt controllers in the kernel. @throws KvmError ENXIO without them. */
  setIrqLine(irq: number, level: boolean): void {
    const { view, address } = this.#argument;
    encode(kvmIrqLevel.members.line, view, { irq }, kvmIrqLevel.offsets.line);
    encode(kvmIrqLevel, view, { level: level ? 1 : 0 });
    this.#ioctl("KVM_IRQ_LINE", address);
  }

  takeDown(): () => void {
    const vcpus = this.vcpus.map((vcpu) => takeDownVcpu(vcpu, this.#hasIrqchip, this.#msrs));
    const chips = this.#hasIrqchip ? irqchips.map((chip) => this.#takeDownChip(chip)) : [];
    if (this.#hasPit) this.#ioctl("KVM_GET_PIT2", this.#argument.address);
    const pit = this.#argument.bytes.slice(0, kvmPitState2.size);
    return () => {
      for (const putBack of [...chips, ...vcpus]) putBack();
      if (!this.#hasPit) return;
      this.#argument.bytes.set(pit);
      this.#ioctl("KVM_SET_PIT2", this.#argument.address);
    };
  }

  /** Lets `run` return with INTR every so many milliseconds; 0 ends that. */
  interruptEvery(milliseconds: number): void {
    this.#interrupter.every(milliseconds);
  }

  startThreads(): void {
    if (this.#hasThreads) return;
    this.#hasThreads = true;
    for (const { file } of this.vcpus) file.setThread(new VcpuThread(this.#interrupter, this.#bell));
    process.once("exit", this.#atExit);
  }

  waitForReturn(milliseconds: number): boolean {
    const { count } = this.#bell;
    return this.vcpus.some(({ hasReturned }) => hasReturned) || this.#bell.wait(count, milliseconds);
  }

  onReturn(callback: (() => void) | undefined): boolean {
    this.#bell.onRing = callback;
    this.#bell.forget();
    if (callback === undefined) return false;
    const { count } = this.#bell;
    return !this.vcpus.some(({ hasReturned }) => hasReturned) && this.#bell.ask(count);
  }

  /** The VM's end: everything is given back to the host. It and its vCPUs must not be used any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bell.onRing = undefined;
    process.removeListener("exit", this.#atExit);
    for (const vcpu of this.vcpus) vcpu.close();
    this.#interrupter.close();
    this.#ram.release();
    this.#argument.release();
    this.#kvm.libc.close(this.#file);
  }

  #takeDownChip(chip: number): () => void {
    const { bytes, view, address } = this.#argument;
    view.setUint32(0, chip, true);
    this.#ioctl("KVM_GET_IRQCHIP", address);
    const state = bytes.slice(0, kvmIrqchip.size);
    return () => {
      bytes.set(state);
      this.#ioctl("KVM_SET_IRQCHIP", address);
    };
  }

  /** The MSRs of a vCPU's that can be saved. */
  #listMsrs(): readonly number[] {
    const { view, address } = this.#argument;
    view.setUint32(0, mostMsrs, true);
    this.#kvm.ioctl("KVM_GET_MSR_INDEX_LIST", x86Ioctls.KVM_GET_MSR_INDEX_LIST, address);
    return Array.from({ length: view.getUint32(0, true) }, (_, i) => view.getUint32(4 + 4 * i, true));
  }

  #setUp({ irqchip = false, pit = false }: LinuxX86VmOptions): void {
    this.#argument.view.setBigUint64(0, BigInt(identityMapAddress), true);
    this.#ioctl("KVM_SET_IDENTITY_MAP_ADDR", this.#argument.address);
    this.#ioctl("KVM_SET_TSS_ADDR", tssAddress);
    if (irqchip) this.#ioctl("KVM_CREATE_IRQCHIP", 0);
    if (pit) {
      this.#argument.bytes.fill(0, 0, kvmPitConfig.size);
      encode(kvmPitConfig, this.#argument.view, { flags: speakerDummy });
      this.#ioctl("KVM_CREATE_PIT2", this.#argument.address);
    }
  }

  #supportedCpuid(): readonly X86CpuidEntry[] {
    const { view, address } = this.#argument;
    encode(kvmCpuid2, view, { nent: cpuidEntries, padding: 0 });
    this.#kvm.ioctl("KVM_GET_SUPPORTED_CPUID", x86Ioctls.KVM_GET_SUPPORTED_CPUID, address);
    return Array.from({ length: decode(kvmCpuid2, view).nent }, (_, i) =>
      decode(kvmCpuidEntry2, view, kvmCpuid2.size + i * kvmCpuidEntry2.size),
    );
  }

  #createVcpu(id: number, cpuid: readonly X86CpuidEntry[], surroundings: DebugSurroundings): LinuxX86Vcpu {
    const file = new X86VcpuFile({
      libc: this.#kvm.libc,
      id,
      file: this.#ioctl("KVM_CREATE_VCPU", id),
      mmapSize: this.#kvm.vcpuMmapSize,
      interrupter: this.#interrupter,
    });
    file.setCpuid(cpuid.map((entry) => withApicId(entry, id)));
    const vcpu = new LinuxX86Vcpu(file, this.#ram, surroundings);
    vcpu.missed.onNotice = (text) => this.onNotice?.(id, text);
    return vcpu;
  }

  #ioctl(name: keyof typeof x86Ioctls, argument: number): number {
    const result = this.#kvm.libc.ioctl(this.#file, x86Ioctls[name], argument);
    if (result < 0) throw this.#kvm.libc.lastError(name);
    return result;
  }
}

/** CPUID tells a processor its own APIC id, in three places (Intel SDM volume 2, CPUID leaves 1, 0xB and 0x1F). */
function withApicId(entry: X86CpuidEntry, id: number): X86CpuidEntry {
  switch (entry.function) {
    case 1:
      return { ...entry, ebx: ((entry.ebx & 0x00ff_ffff) | (id << 24)) >>> 0 };
    case 0xb:
    case 0x1f:
      return { ...entry, edx: id };
    default:
      return entry;
  }
}
