import type { AddressRange } from "../address.ts";
import { guestPhysical } from "../address.ts";
import type { InterruptLine, Saveable, Scheduler } from "../device.ts";
import { AcpiPm, type AcpiPmState } from "../devices/acpiPm.ts";
import { CmosRtc, type CmosRtcState } from "../devices/cmosRtc.ts";
import { DebugExit } from "../devices/debugExit.ts";
import { FwCfg, type FwCfgState } from "../devices/fwCfg.ts";
import { I8042, type I8042State } from "../devices/i8042.ts";
import { PcTestDevice, type PcTestDeviceState } from "../devices/pcTestDevice.ts";
import { ResetControl, SystemControlA } from "../devices/resetControl.ts";
import { Uart16550, type Uart16550State } from "../devices/uart16550.ts";
import { PortBus } from "../portBus.ts";
import { BoardError } from "./arm64Virt.ts";
import { PC_IRQ, PC_MAP, PC_PORTS } from "./x86PcMap.ts";

const PAGE = 4096;
const LEAST_BYTES = 2 ** 20;
/** APIC ids of 8 bits, and room for them in the tables. */
const MOST_CPUS = 64;

/** What the guest asks of the machine. */
export type PcRequest =
  | { readonly kind: "power-off" }
  | { readonly kind: "reset" }
  /** The debug-exit port: the status the machine ends with. */
  | { readonly kind: "exit"; readonly status: number };

/** What a PC is made of. */
export interface X86PcOptions {
  /** RAM: a multiple of 4096, 1 MiB to 3 GiB. */
  readonly memoryBytes: number;
  readonly cpus: number;
  /** Time for the devices. */
  readonly scheduler: Scheduler;
  /** The inputs of its interrupt controllers, by ISA's numbers. */
  readonly setIrq: (irq: number, level: boolean) => void;
  /** Gets what the guest sends to its serial console. */
  readonly transmit: (byte: number) => void;
  /** Called when the console takes input again after it had refused some. */
  readonly onReceiveRoom?: (() => void) | undefined;
  /** What the real-time clock shows at time 0, in seconds since 1970; 0 if left out. */
  readonly epochSeconds?: bigint | undefined;
  readonly request: (request: PcRequest) => void;
}

/** What the board's devices remember. */
export interface X86PcState {
  readonly uart: Uart16550State;
  readonly rtc: CmosRtcState;
  readonly keyboard: I8042State;
  readonly power: AcpiPmState;
  readonly fwCfg: FwCfgState;
  readonly test: PcTestDeviceState;
}

/**
 * A PC without PCI: serial port, clock, keyboard controller, reset and power-off, and what test guests want: an exit, QEMU's
 * fw_cfg and pc-testdev. Its interrupt controllers (two 8259A, I/O APIC, local APICs) and its timer (8254) are for the machine's
 * owner to provide.
 */
export interface X86Pc extends Saveable<X86PcState> {
  readonly ram: AddressRange;
  readonly cpus: number;
  readonly ports: PortBus;
  readonly uart: Uart16550;
  readonly rtc: CmosRtc;
  /** What the guest reads at a guest-physical address without memory, of `length` bytes: ones where no device is. */
  readMmio(address: bigint, length: number): bigint;
  writeMmio(address: bigint, length: number, value: bigint): void;
  /** Puts every device back to its power-on state; the clock goes on, and so do inputs from outside. */
  reset(): void;
}

/** Builds the board. @throws BoardError if it cannot be had. */
export function x86Pc(options: X86PcOptions): X86Pc {
  const { memoryBytes, cpus, scheduler, request } = options;
  if (!Number.isInteger(memoryBytes) || memoryBytes < LEAST_BYTES || memoryBytes % PAGE !== 0)
    throw new BoardError(`${memoryBytes} bytes of memory: a PC has at least 1 MiB, in whole pages`);
  if (memoryBytes > PC_MAP.maximumRamBytes)
    throw new BoardError(
      `${memoryBytes} bytes of memory: this board has room for ${PC_MAP.maximumRamBytes} (3 GiB)`,
    );
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MOST_CPUS)
    throw new BoardError(`${cpus} CPUs: this board has 1 to ${MOST_CPUS}`);
  const line = (irq: number): InterruptLine => {
    let now = false;
    return {
      set: (level) => {
        if (level === now) return;
        now = level;
        options.setIrq(irq, level);
      },
    };
  };
  const reset = (): void => request({ kind: "reset" });
  const uart = new Uart16550({
    interrupt: line(PC_IRQ.serial),
    transmit: options.transmit,
    onReceiveRoom: options.onReceiveRoom,
  });
  const rtc = new CmosRtc({ clock: scheduler, epochSeconds: options.epochSeconds ?? 0n, memoryBytes });
  const keyboard = new I8042(reset);
  const resetControl = new ResetControl(reset);
  const power = new AcpiPm({ clock: scheduler, powerOff: () => request({ kind: "power-off" }) });
  const fwCfg = new FwCfg({ memoryBytes, cpus });
  const test = new PcTestDevice(Array.from({ length: PC_IRQ.count }, (_, irq) => line(irq)));
  const ports = new PortBus();
  ports.map(PC_PORTS.serial, 8, uart);
  ports.map(PC_PORTS.rtc, 2, rtc);
  // Its two ports are apart: port 0x61 between them is the timer's.
  ports.map(PC_PORTS.i8042Data, 1, keyboard);
  ports.map(PC_PORTS.i8042Status, 1, {
    name: keyboard.name,
    width: 1,
    readPort: (_, size) => keyboard.readPort(4, size),
    writePort: (_, size, value) => keyboard.writePort(4, size, value),
  });
  ports.map(PC_PORTS.systemControlA, 1, new SystemControlA(reset));
  ports.map(PC_PORTS.pciAddress, 4, resetControl);
  ports.map(PC_PORTS.debugExit, 4, new DebugExit((status) => request({ kind: "exit", status })));
  ports.map(PC_PORTS.fwCfg, 2, fwCfg);
  ports.map(PC_PORTS.acpiPm, 12, power);
  ports.map(PC_PORTS.test, 4, test.wide);
  ports.map(PC_PORTS.testBytes, 4, test.narrow);
  ports.map(PC_PORTS.testInterrupts, PC_IRQ.count, test.lines);
  return {
    ram: { base: guestPhysical(0n), size: BigInt(memoryBytes) },
    cpus,
    ports,
    uart,
    rtc,
    readMmio: (address, length) =>
      test.readMemory(Number(address) - PC_MAP.testMemory, length) ?? BigInt.asUintN(8 * length, -1n),
    writeMmio: (address, length, value) =>
      test.writeMemory(Number(address) - PC_MAP.testMemory, length, value),
    reset: () => {
      uart.reset();
      rtc.reset();
      keyboard.reset();
      resetControl.reset();
      power.reset();
      fwCfg.reset();
      test.reset();
    },
    save: () => ({
      uart: uart.save(),
      rtc: rtc.save(),
      keyboard: keyboard.save(),
      power: power.save(),
      fwCfg: fwCfg.save(),
      test: test.save(),
    }),
    load: (state) => {
      uart.load(state.uart);
      rtc.load(state.rtc);
      keyboard.load(state.keyboard);
      power.load(state.power);
      fwCfg.load(state.fwCfg);
      test.load(state.test);
    },
  };
}
