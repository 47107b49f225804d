import type { HostAddress } from "../../engine/memory.ts";

/** Guest-physical memory as stage 2 maps it: one slot is a stretch of guest RAM. Addresses and sizes are multiples of 4 KiB. */
export interface PhysicalSlot {
  readonly base: number;
  readonly size: number;
  readonly host: HostAddress;
  readonly readOnly: boolean;
}

/** The stage 2 map of a machine. */
export class PhysicalMemory {
  #slots: readonly PhysicalSlot[] = [];
  #last: PhysicalSlot | undefined;

  get slots(): readonly PhysicalSlot[] {
    return this.#slots;
  }

  setSlots(slots: readonly PhysicalSlot[]): void {
    this.#slots = [...slots];
    this.#last = undefined;
  }

  /** The slot that holds this guest-physical address. */
  find(address: number): PhysicalSlot | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.base && address - last.base < last.size) return last;
    const found = this.#slots.find((slot) => address >= slot.base && address - slot.base < slot.size);
    if (found !== undefined) this.#last = found;
    return found;
  }

  /** Host address of a guest-physical address, −1 when no slot holds it. */
  toHost(address: number): HostAddress {
    const slot = this.find(address);
    return slot === undefined ? -1 : slot.host + (address - slot.base);
  }
}
