import {
  Arm64Cluster,
  type CpuInterrupts,
  type SystemRegisterInterrupts,
} from "../../../cpu/arm64/cluster.ts";
import type { PhysicalSlot } from "../../../cpu/arm64/physicalMemory.ts";
import { resources } from "../../../cpu/arm64/systemRegisters/identification.ts";
import { walkStage1 } from "../../../cpu/arm64/translate.ts";
import type { EngineMode } from "../../../engine/engine.ts";
import type { Interpreter } from "../../../engine/interpreter/interpreter.ts";
import type { InstructionSet } from "../../../engine/operation.ts";
import type { RegionService } from "../../../engine/region/job.ts";
import { KvmError } from "../../errors.ts";
import type { KvmExit } from "../../exits.ts";
import type { Capability, MemoryRegion, UnseenBreakpoints, Vm } from "../../interface.ts";
import { psciCall } from "./psci.ts";
import { SmcccFilter } from "./smcccFilter.ts";
import { EmbeddedArm64Vcpu } from "./vcpu.ts";

const page = 4096n;
/** SMCCC's answer to a call nobody knows (Arm DEN 0028, 5.2). */
const notSupported = 0xffff_ffff_ffff_ffffn;
const slots = 32;

const capabilities: Readonly<Record<Capability, number>> = {
  SET_GUEST_DEBUG: 1,
  SET_GUEST_DEBUG2: 0x30003,
  GUEST_DEBUG_HW_BPS: resources.breakpoints,
  GUEST_DEBUG_HW_WPS: resources.watchpoints,
  NR_VCPUS: 8,
  MAX_VCPUS: 8,
  NR_MEMSLOTS: slots,
  ONE_REG: 1,
  READONLY_MEM: 1,
  ARM_PSCI_0_2: 1,
};

/** Guest-physical addresses, `size` bytes from `address` on. */
export interface GuestPhysicalRange {
  readonly address: number;
  readonly size: number;
}

/** What an embedded arm64 machine is made of. */
export interface EmbeddedArm64Options {
  readonly instructionSet: InstructionSet;
  readonly cpus: number;
  /** Host memory for all memory regions together. */
  readonly ramBytes: number;
  /** The instruction set's interpreter, if it was generated before. */
  readonly interpreter?: Interpreter;
  /** How guest code is executed; default: auto. */
  readonly mode?: EngineMode;
  /** How often control must get to code before it is compiled; by default the mode says. */
  readonly heat?: number;
  /** See `EngineOptions.regionService`. */
  readonly regionService?: RegionService;
  /** Whether the host itself runs at EL2 (FEAT_VHE): it decides when MDCR_EL2 is written. Left out, it does. */
  readonly vhe?: boolean;
}

/** A virtual machine of the embedded substrate. */
export class EmbeddedArm64Vm implements Vm {
  readonly cluster: Arm64Cluster;
  /** Hypercalls that userspace handles itself or forbids; the answer of one goes into X0–X3 by one-reg. */
  readonly smcccFilter = new SmcccFilter();
  readonly vcpus: readonly EmbeddedArm64Vcpu[];
  readonly unseenBreakpoints: UnseenBreakpoints = {
    plant: (addresses) => {
      for (const cpu of this.cluster.cpus) cpu.debug.unseenBreakpoints = addresses;
      this.cluster.remark();
    },
    pass: (vcpu) => this.cluster.cpus[vcpu]?.debug.passBreakpoint(),
  };
  readonly #regions = new Map<number, PhysicalSlot>();
  readonly #capacity: number;
  /** Host address after the last byte that a slot has ever had. */
  #highest = 0;
  #interruptFrames: readonly GuestPhysicalRange[] = [];
  /** The interrupt controller has been found to be where it should. */
  #isMapped = false;

  /** @throws KvmError EINVAL for a number of vCPUs outside 1–8; EngineMemoryError when the memory cannot be had. */
  constructor(options: EmbeddedArm64Options) {
    if (!Number.isInteger(options.cpus) || options.cpus < 1 || options.cpus > capabilities.MAX_VCPUS) {
      throw new KvmError("EINVAL", `${options.cpus} vCPUs: there can be 1 to ${capabilities.MAX_VCPUS}`);
    }
    this.#capacity = options.ramBytes;
    this.cluster = new Arm64Cluster(options);
    this.vcpus = this.cluster.cpus.map(
      (cpu) => new EmbeddedArm64Vcpu(this, cpu, { vhe: options.vhe ?? true }),
    );
    this.cluster.onDebugRegistersChanged = (cpu) => this.vcpus[cpu.index]?.debug.guestRegistersChanged();
  }

  checkExtension(capability: Capability): number {
    return capabilities[capability];
  }

  /**
   * Connects the interrupt controller: CPU inputs, private lines, and a GICv3's system registers.
   * @param frames where its registers are; no memory slot may be there when a vCPU first runs.
   */
  setInterruptController(
    interrupts: CpuInterrupts,
    systemRegisters: SystemRegisterInterrupts | undefined,
    frames: readonly GuestPhysicalRange[] = [],
  ): void {
    this.#interruptFrames = frames;
    this.#isMapped = false;
    this.cluster.interrupts = interrupts;
    this.cluster.systemRegisterInterrupts = systemRegisters;
    for (const vcpu of this.vcpus) vcpu.reset();
  }

  setMemoryRegion(region: MemoryRegion): void {
    const { slot, guestPhysicalAddress: base, size } = region;
    const readOnly = region.readOnly ?? false;
    const refuse = (errno: "EINVAL" | "EEXIST" | "EFAULT", why: string): never => {
      throw new KvmError(errno, `memory slot ${slot}${why}`);
    };
    if (!Number.isInteger(slot) || slot < 0 || slot >= slots) refuse("EINVAL", `: there are ${slots}`);
    if (base % page !== 0n || size % page !== 0n || base < 0n || size < 0n)
      refuse("EINVAL", ": address and size must be multiples of 4096");
    const kept = this.#regions.get(slot);
    if (size === 0n) {
      if (kept === undefined) refuse("EINVAL", " does not exist");
      this.#regions.delete(slot);
      this.#apply();
      return;
    }
    if (base + size > 1n << BigInt(resources.physicalBits))
      refuse("EFAULT", ` ends beyond the ${resources.physicalBits} bits of guest-physical address`);
    const begin = Number(base);
    const bytes = Number(size);
    if (kept !== undefined && kept.size !== bytes) refuse("EINVAL", " cannot change its size");
    if (kept !== undefined && kept.readOnly !== readOnly)
      refuse("EINVAL", " cannot change whether it is read-only");
    for (const [other, at] of this.#regions) {
      if (other !== slot && begin < at.base + at.size && at.base < begin + bytes)
        refuse("EEXIST", ` overlaps slot ${other}`);
    }
    const host = kept?.host ?? this.#allocate(bytes);
    this.#regions.set(slot, { base: begin, size: bytes, host, readOnly });
    this.#apply();
  }

  readMemory(address: bigint, length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.#forEachPiece(address, length, (host, done, count) =>
      out.set(this.cluster.engine.memory.bytes.subarray(host, host + count), done),
    );
    return out;
  }

  writeMemory(address: bigint, bytes: Uint8Array): void {
    this.#forEachPiece(address, bytes.length, () => {});
    this.#forEachPiece(address, bytes.length, (host, done, count) => {
      this.cluster.engine.memory.bytes.set(bytes.subarray(done, done + count), host);
      this.cluster.memoryWritten(host, count);
    });
  }

  /** What a vCPU's first run needs of the machine. @throws KvmError EINVAL when memory hides the interrupt controller. */
  prepareFirstRun(): void {
    if (this.#isMapped) return;
    for (const { address, size } of this.#interruptFrames) {
      for (const [slot, region] of this.#regions) {
        if (address < region.base + region.size && region.base < address + size)
          throw new KvmError(
            "EINVAL",
            `memory slot ${slot} hides the interrupt controller's registers at 0x${address.toString(16)}`,
          );
      }
    }
    this.#isMapped = true;
  }

  executed(address: bigint): boolean {
    const host = this.cluster.physical.toHost(Number(address));
    return host >= 0 && this.cluster.engine.code.holdsCode(host >>> 12);
  }

  /** Stage 1 of a vCPU as EL1 sees it; see `rights` of the walk. */
  translate(
    vcpu: EmbeddedArm64Vcpu,
    address: bigint,
  ): { readonly address: bigint; readonly rights: number } | undefined {
    this.cluster.activate(vcpu.id);
    const walked = walkStage1(this.cluster, vcpu.cpu, BigInt.asUintN(64, address));
    if (walked.kind === "fault") return undefined;
    return { address: BigInt(walked.page) + (address & 0xfffn), rights: walked.rights };
  }

  /** HVC: PSCI and SMCCC, by X0–X3, whatever the immediate; results in X0–X3 (Arm DEN 0028, 2.6). */
  hypercall(vcpu: EmbeddedArm64Vcpu): KvmExit | undefined {
    const { registers } = vcpu.cpu;
    const id = Number(BigInt.asUintN(32, registers.x(0)));
    const action = this.smcccFilter.action(id);
    if (action === "FWD_TO_USER") {
      return { reason: "HYPERCALL", number: BigInt(id), args: [1, 2, 3, 4, 5, 6].map((n) => registers.x(n)) };
    }
    if (action === "DENY") {
      registers.setX(0, notSupported);
      return undefined;
    }
    const view = this.vcpus.map((each) => ({ affinity: BigInt(each.id), on: each.powered }));
    const { x0, effect } = psciCall(id, [registers.x(1), registers.x(2), registers.x(3)], view);
    [x0, 0n, 0n, 0n].forEach((value, n) => {
      registers.setX(n, value);
    });
    switch (effect.kind) {
      case "none":
        return undefined;
      case "suspend":
        return vcpu.halt();
      case "off":
        vcpu.powerOff();
        // A step over the call is complete at once.
        return vcpu.debug.stepping ? undefined : { reason: "HALTED", until: "power-on" };
      case "on":
        this.vcpus[effect.cpu]?.powerOn(effect.entry, effect.context);
        this.cluster.activate(vcpu.id);
        return undefined;
      case "system":
        // As KVM: no vCPU runs on until userspace has decided.
        for (const each of this.vcpus) each.powerOff();
        return { reason: "SYSTEM_EVENT", type: effect.event };
    }
  }

  #allocate(bytes: number): number {
    const { ramBase } = this.cluster.engine.memory;
    const used = [...this.#regions.values()].sort((a, b) => a.host - b.host);
    let host = ramBase;
    for (const each of used) {
      if (host + bytes <= each.host) break;
      host = Math.max(host, each.host + each.size);
    }
    if (host + bytes > ramBase + this.#capacity)
      throw new KvmError("ENOMEM", `no room for a memory slot of ${bytes} bytes`);
    // What a deleted slot left there is not this one's.
    const stale = Math.min(bytes, this.#highest - host);
    if (stale > 0) {
      this.cluster.engine.memory.bytes.fill(0, host, host + stale);
      this.cluster.memoryWritten(host, stale);
    }
    this.#highest = Math.max(this.#highest, host + bytes);
    return host;
  }

  #apply(): void {
    this.#isMapped = false;
    this.cluster.setSlots([...this.#regions.values()]);
  }

  #forEachPiece(
    address: bigint,
    length: number,
    visit: (host: number, done: number, count: number) => void,
  ): void {
    let done = 0;
    while (done < length) {
      const at = Number(address) + done;
      const slot = this.cluster.physical.find(at);
      if (slot === undefined) throw new KvmError("EFAULT", `no guest memory at 0x${at.toString(16)}`);
      const count = Math.min(length - done, slot.base + slot.size - at);
      visit(slot.host + (at - slot.base), done, count);
      done += count;
    }
  }
}
