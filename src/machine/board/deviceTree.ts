import type { AddressRange } from "../address.ts";
import { cells, doubles, type Fdt, type FdtNode, flag, node, strings } from "../fdt/tree.ts";
import { type Chosen, chosenProperties } from "./chosen.ts";
import { VIRT_MAP, VIRT_PPI, VIRT_SPI } from "./memoryMap.ts";

/** What the tree of an arm64 `virt` board depends on. */
export interface VirtTreeOptions {
  readonly ram: AddressRange;
  readonly cpus: number;
  readonly gicVersion: 2 | 3;
  /** The CPUs' `compatible`. */
  readonly cpuCompatible: string;
  /** Whether the CPUs have a performance monitor. */
  readonly pmu: boolean;
}

/** Handles by which nodes refer to each other. */
const PHANDLE = { clock: 0x8000, gic: 0x8001, firstCpu: 0x8002 } as const;
/** The interrupt cells of the Arm GIC binding. */
const GIC = { SPI: 0, PPI: 1, LEVEL_HIGH: 4 } as const;
/** The APB devices' clock. */
const CLOCK_HZ = 24_000_000;
/** PSCI function identifiers (Arm DEN 0022); CPU_OFF has a 32-bit form only. */
const PSCI = { suspend: 0xc400_0001, off: 0x8400_0002, on: 0xc400_0003, migrate: 0xc400_0005 } as const;

/** The board's device tree, shaped like the one QEMU makes for the parts that exist here. */
export function virtDeviceTree(options: VirtTreeOptions, chosen: Chosen): Fdt {
  const children = [
    psciNode(),
    memoryNode(options.ram),
    node("chosen", [strings("stdout-path", nameOf("/pl011", VIRT_MAP.uart)), ...chosenProperties(chosen)]),
    flashNode(),
    primeCell("pl031", VIRT_MAP.rtc, VIRT_SPI.rtc, ["apb_pclk"]),
    primeCell("pl011", VIRT_MAP.uart, VIRT_SPI.uart, ["uartclk", "apb_pclk"]),
    ...(options.pmu ? [pmuNode(options)] : []),
    gicNode(options.gicVersion),
    cpusNode(options),
    timerNode(options),
    clockNode(),
  ];
  const root = node(
    "",
    [
      cells("interrupt-parent", PHANDLE.gic),
      strings("model", "linux,dummy-virt"),
      cells("#size-cells", 2),
      cells("#address-cells", 2),
      strings("compatible", "linux,dummy-virt"),
    ],
    children,
  );
  return { root, reservations: [], bootCpu: 0 };
}

function nameOf(name: string, range: AddressRange): string {
  return `${name}@${range.base.toString(16)}`;
}

function reg(...ranges: readonly AddressRange[]) {
  return doubles("reg", ...ranges.flatMap(({ base, size }) => [base, size]));
}

function psciNode(): FdtNode {
  return node("psci", [
    cells("migrate", PSCI.migrate),
    cells("cpu_on", PSCI.on),
    cells("cpu_off", PSCI.off),
    cells("cpu_suspend", PSCI.suspend),
    strings("method", "hvc"),
    strings("compatible", "arm,psci-1.0", "arm,psci-0.2", "arm,psci"),
  ]);
}

function memoryNode(ram: AddressRange): FdtNode {
  return node(nameOf("memory", ram), [reg(ram), strings("device_type", "memory")]);
}

/** Both banks: 32 bits wide, of two chips each. */
function flashNode(): FdtNode {
  return node(nameOf("flash", VIRT_MAP.flash), [
    cells("bank-width", 4),
    reg(VIRT_MAP.flash, VIRT_MAP.variables),
    strings("compatible", "cfi-flash"),
  ]);
}

function primeCell(name: string, range: AddressRange, spi: number, clocks: readonly string[]): FdtNode {
  return node(nameOf(name, range), [
    strings("clock-names", ...clocks),
    cells("clocks", ...clocks.map(() => PHANDLE.clock)),
    cells("interrupts", GIC.SPI, spi, GIC.LEVEL_HIGH),
    reg(range),
    strings("compatible", `arm,${name}`, "arm,primecell"),
  ]);
}

/** The cells of a private interrupt; GICv2's binding also names the CPUs that have it. */
function ppi(options: VirtTreeOptions, intid: number): [number, number, number] {
  const cpuMask = options.gicVersion === 2 ? ((1 << options.cpus) - 1) << 8 : 0;
  return [GIC.PPI, intid - 16, cpuMask | GIC.LEVEL_HIGH];
}

function pmuNode(options: VirtTreeOptions): FdtNode {
  return node("pmu", [
    cells("interrupts", ...ppi(options, VIRT_PPI.pmu)),
    strings("compatible", "arm,armv8-pmuv3"),
  ]);
}

function timerNode(options: VirtTreeOptions): FdtNode {
  const { securePhysicalTimer, physicalTimer, virtualTimer, hypervisorTimer } = VIRT_PPI;
  const timers = [securePhysicalTimer, physicalTimer, virtualTimer, hypervisorTimer];
  return node("timer", [
    cells("interrupts", ...timers.flatMap((intid) => ppi(options, intid))),
    flag("always-on"),
    strings("compatible", "arm,armv8-timer", "arm,armv7-timer"),
  ]);
}

function gicNode(version: 2 | 3): FdtNode {
  const own =
    version === 2
      ? [reg(VIRT_MAP.gicDistributor, VIRT_MAP.gicCpuInterface), strings("compatible", "arm,cortex-a15-gic")]
      : [
          reg(VIRT_MAP.gicDistributor, VIRT_MAP.gicRedistributors),
          cells("#redistributor-regions", 1),
          strings("compatible", "arm,gic-v3"),
        ];
  return node(nameOf("intc", VIRT_MAP.gicDistributor), [
    cells("phandle", PHANDLE.gic),
    ...own,
    flag("ranges"),
    cells("#size-cells", 2),
    cells("#address-cells", 2),
    flag("interrupt-controller"),
    cells("#interrupt-cells", 3),
  ]);
}

function cpusNode({ cpus, cpuCompatible }: VirtTreeOptions): FdtNode {
  const numbers = Array.from({ length: cpus }, (_, cpu) => cpu);
  const cores = numbers.map((cpu) => node(`core${cpu}`, [cells("cpu", PHANDLE.firstCpu + cpu)]));
  const nodes = numbers.map((cpu) =>
    node(`cpu@${cpu}`, [
      cells("phandle", PHANDLE.firstCpu + cpu),
      // CPU n has affinity 0.0.0.n.
      cells("reg", cpu),
      strings("enable-method", "psci"),
      strings("compatible", cpuCompatible),
      strings("device_type", "cpu"),
    ]),
  );
  const map = node("cpu-map", [], [node("socket0", [], [node("cluster0", [], cores)])]);
  return node("cpus", [cells("#size-cells", 0), cells("#address-cells", 1)], [map, ...nodes]);
}

function clockNode(): FdtNode {
  return node("apb-pclk", [
    cells("phandle", PHANDLE.clock),
    strings("clock-output-names", "clk24mhz"),
    cells("clock-frequency", CLOCK_HZ),
    cells("#clock-cells", 0),
    strings("compatible", "fixed-clock"),
  ]);
}
