import type { AddressRange } from "../address.ts";
import { Bus } from "../bus.ts";
import type { Saveable, Scheduler } from "../device.ts";
import { EmptyFlash } from "../devices/emptyFlash.ts";
import { CfiFlash, type CfiFlashState } from "../devices/flash/cfiFlash.ts";
import { Pl011, type Pl011State } from "../devices/pl011.ts";
import { Pl031, type Pl031State } from "../devices/pl031.ts";
import { EmptyVirtioSlots } from "../devices/virtioSlots.ts";
import type { Fdt } from "../fdt/tree.ts";
import { Gicv2, type Gicv2State } from "../gic/gicv2.ts";
import { Gicv3, type Gicv3State } from "../gic/gicv3.ts";
import { FIRST_SPI } from "../interruptController.ts";
import type { Chosen } from "./chosen.ts";
import { virtDeviceTree } from "./deviceTree.ts";
import { MAXIMUM_RAM_BYTES, VIRT_MAP, VIRT_SPI } from "./memoryMap.ts";

/** RAM comes in pages. */
const PAGE = 4096;
const DEFAULT_CPU = "arm,cortex-a57";

/** A machine that cannot be built as it was asked for. */
export class BoardError extends Error {
  override readonly name = "BoardError";
}

/** What an arm64 `virt` board is made of. */
export interface Arm64VirtBoardOptions {
  /** RAM: a multiple of 4096, up to 3 GiB. */
  readonly memoryBytes: number;
  /** 1–8. */
  readonly cpus: number;
  readonly gicVersion: 2 | 3;
  /** Virtual time for the devices. */
  readonly scheduler: Scheduler;
  /** Gets what the guest sends to its serial console. */
  readonly transmit: (byte: number) => void;
  /** Called when the console takes input again after it had refused some. */
  readonly onReceiveRoom?: () => void;
  /** What the real-time clock shows at virtual time 0, in seconds since 1970; 0 if left out. */
  readonly epochSeconds?: bigint;
  /** The CPUs' `compatible` in the device tree; "arm,cortex-a57" if left out. */
  readonly cpuCompatible?: string;
  /** Whether the device tree has the performance monitor; true if left out. */
  readonly pmu?: boolean;
}

/** What the board's devices remember. */
export interface Arm64VirtBoardState {
  readonly variables: CfiFlashState;
  readonly uart: Pl011State;
  readonly rtc: Pl031State;
  readonly interruptController:
    | { readonly version: 2; readonly state: Gicv2State }
    | { readonly version: 3; readonly state: Gicv3State };
}

/** A board after QEMU's `virt`: its memory map, its devices on their bus with their interrupts connected, and its device tree. */
export interface Arm64VirtBoard extends Saveable<Arm64VirtBoardState> {
  readonly ram: AddressRange;
  /** Where firmware goes; nothing is mapped there unless a boot plan has a `rom`. */
  readonly flash: AddressRange;
  /** The devices; RAM and flash are not on it. */
  readonly bus: Bus;
  /** Its private inputs (VIRT_PPI) and CPU side are for the CPUs' owner to connect. */
  readonly interruptController: Gicv2 | Gicv3;
  readonly uart: Pl011;
  readonly rtc: Pl031;
  /** Puts every device back to its power-on state; the clock goes on, and so do inputs from outside. */
  reset(): void;
  /** The tree to boot with. */
  deviceTree(chosen: Chosen): Fdt;
}

/**
 * Builds the board.
 * @throws BoardError if the memory cannot be had; InterruptControllerError if the CPUs cannot.
 */
export function arm64VirtBoard(options: Arm64VirtBoardOptions): Arm64VirtBoard {
  const { memoryBytes, cpus, gicVersion, scheduler } = options;
  if (!Number.isInteger(memoryBytes) || memoryBytes < PAGE || memoryBytes % PAGE !== 0) {
    throw new BoardError(`${memoryBytes} bytes of memory: it must be a multiple of ${PAGE}`);
  }
  if (memoryBytes > MAXIMUM_RAM_BYTES) {
    throw new BoardError(
      `${memoryBytes} bytes of memory: this board has room for ${MAXIMUM_RAM_BYTES} (3 GiB)`,
    );
  }
  const ram = { base: VIRT_MAP.ramBase, size: BigInt(memoryBytes) };
  const interruptController = gicVersion === 2 ? new Gicv2(cpus) : new Gicv3(cpus);
  const spi = (number: number) => ({
    set: (level: boolean) => interruptController.setSpi(FIRST_SPI + number, level),
  });
  const uart = new Pl011({
    interrupt: spi(VIRT_SPI.uart),
    scheduler,
    transmit: options.transmit,
    ...(options.onReceiveRoom && { onReceiveRoom: options.onReceiveRoom }),
  });
  const rtc = new Pl031({
    interrupt: spi(VIRT_SPI.rtc),
    scheduler,
    epochSeconds: options.epochSeconds ?? 0n,
  });

  const variables = new CfiFlash(Number(VIRT_MAP.variables.size));

  return {
    ram,
    flash: VIRT_MAP.flash,
    bus: connect(interruptController, variables, uart, rtc),
    interruptController,
    uart,
    rtc,
    deviceTree: (chosen) =>
      virtDeviceTree(
        {
          ram,
          cpus,
          gicVersion,
          cpuCompatible: options.cpuCompatible ?? DEFAULT_CPU,
          pmu: options.pmu ?? true,
        },
        chosen,
      ),
    reset: () => {
      variables.reset();
      uart.reset();
      rtc.reset();
      interruptController.reset();
    },
    save: () => ({
      variables: variables.save(),
      uart: uart.save(),
      rtc: rtc.save(),
      interruptController:
        interruptController.version === 2
          ? { version: 2, state: interruptController.save() }
          : { version: 3, state: interruptController.save() },
    }),
    load: (state) => {
      variables.load(state.variables);
      uart.load(state.uart);
      rtc.load(state.rtc);
      const saved = state.interruptController;
      // Last, because the devices' lines are part of what the controller remembers.
      if (saved.version === 2 && interruptController.version === 2) interruptController.load(saved.state);
      else if (saved.version === 3 && interruptController.version === 3)
        interruptController.load(saved.state);
      else throw new BoardError(`the saved state has a GICv${saved.version}, this board a GICv${gicVersion}`);
    },
  };
}

function connect(interruptController: Gicv2 | Gicv3, variables: CfiFlash, uart: Pl011, rtc: Pl031): Bus {
  const bus = new Bus();
  const { flash, gicDistributor, gicCpuInterface, gicRedistributors } = VIRT_MAP;
  bus.map(flash.base, flash.size, new EmptyFlash());
  bus.map(VIRT_MAP.variables.base, VIRT_MAP.variables.size, variables);
  bus.map(gicDistributor.base, gicDistributor.size, interruptController.distributor);
  if (interruptController.version === 2) {
    bus.map(gicCpuInterface.base, gicCpuInterface.size, interruptController.cpuInterface);
  } else {
    bus.map(gicRedistributors.base, gicRedistributors.size, interruptController.redistributors);
  }
  bus.map(VIRT_MAP.uart.base, VIRT_MAP.uart.size, uart);
  bus.map(VIRT_MAP.rtc.base, VIRT_MAP.rtc.size, rtc);
  bus.map(VIRT_MAP.virtio.base, VIRT_MAP.virtio.size, new EmptyVirtioSlots());
  return bus;
}
