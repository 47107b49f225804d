import { type AddressRange, type GuestPhysicalAddress, guestPhysical } from "../address.ts";
import type { GuestMemory } from "../guestMemory.ts";

/** Something that goes into guest memory before the guest starts. */
export interface BootPiece {
  /** As users see it: "kernel", "initrd", "device tree", "segment 0" … */
  readonly what: string;
  readonly address: GuestPhysicalAddress;
  readonly bytes: Uint8Array;
  /** Bytes of memory it takes; what `bytes` leaves is zeroed if `zeroed`, and only kept free otherwise. */
  readonly size: bigint;
  readonly zeroed: boolean;
}

/** How the first CPU starts; every other register is as at reset, every other CPU is off until PSCI CPU_ON. */
export interface BootEntry {
  readonly pc: GuestPhysicalAddress;
  readonly x0: bigint;
}

/** Everything needed to start a guest: apply it to its memory and set the first CPU's registers. */
export interface BootPlan {
  readonly pieces: readonly BootPiece[];
  readonly entry: BootEntry;
  /** Memory outside RAM that pieces go to and that the guest may only read: to be provided before the plan is applied. */
  readonly rom?: AddressRange;
  /** Where the device tree is, if the guest is given one. */
  readonly deviceTree?: AddressRange;
  readonly initrd?: AddressRange;
}

/** What the machine offers to a boot plan. */
export interface BootMachine {
  readonly ram: AddressRange;
  readonly flash: AddressRange;
}

const ZEROS = new Uint8Array(1 << 20);

/** Writes a plan's pieces. @throws GuestMemoryError if the memory is not the one the plan was made for. */
export function applyBootPlan(plan: Pick<BootPlan, "pieces">, memory: GuestMemory): void {
  for (const { address, bytes, size, zeroed } of plan.pieces) {
    memory.write(address, bytes);
    if (!zeroed) continue;
    const end = address + size;
    for (let at = address + BigInt(bytes.length); at < end; at += BigInt(ZEROS.length)) {
      const left = end - at;
      memory.write(guestPhysical(at), left < ZEROS.length ? ZEROS.subarray(0, Number(left)) : ZEROS);
    }
  }
}
