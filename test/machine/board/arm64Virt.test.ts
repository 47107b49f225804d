import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { guestPhysical } from "../../../src/machine/address.ts";
import { type Arm64VirtBoardOptions, arm64VirtBoard } from "../../../src/machine/board/arm64Virt.ts";
import { adaptDeviceTree } from "../../../src/machine/board/chosen.ts";
import { seededBytes } from "../../../src/machine/board/seed.ts";
import { parseFdt } from "../../../src/machine/fdt/parse.ts";
import {
  cells,
  cellsOf,
  type FdtNode,
  flag,
  node,
  nodeAt,
  propertyOf,
  stringsOf,
} from "../../../src/machine/fdt/tree.ts";
import { writeFdt } from "../../../src/machine/fdt/write.ts";
import { VirtualTime } from "../virtualTime.ts";

const hasQemu = spawnSync("qemu-system-aarch64", ["--version"]).status === 0;
const hasDtc = spawnSync("dtc", ["--version"]).status === 0;

function board(options: Partial<Arm64VirtBoardOptions> = {}) {
  const sent: number[] = [];
  const scheduler = new VirtualTime();
  const made = arm64VirtBoard({
    memoryBytes: 256 * 2 ** 20,
    cpus: 2,
    gicVersion: 3,
    scheduler,
    transmit: (byte) => sent.push(byte),
    ...options,
  });
  return { board: made, sent, scheduler };
}

describe("the arm64 virt board", () => {
  it("has its devices at QEMU's addresses", () => {
    const map = (gicVersion: 2 | 3) =>
      board({ gicVersion }).board.bus.mappings.map((m) => `${m.base.toString(16)} ${m.device.name}`);
    expect(map(2)).toEqual([
      "0 flash",
      "4000000 flash",
      "8000000 gicv2 distributor",
      "8010000 gicv2 cpu interface",
      "9000000 pl011",
      "9010000 pl031",
      "a000000 virtio-mmio",
    ]);
    expect(map(3)).toEqual([
      "0 flash",
      "4000000 flash",
      "8000000 gicv3 distributor",
      "80a0000 gicv3 redistributors",
      "9000000 pl011",
      "9010000 pl031",
      "a000000 virtio-mmio",
    ]);
  });

  it("connects the UART to INTID 33 and the RTC to INTID 34", () => {
    const { board: made, sent } = board({ gicVersion: 2, cpus: 1 });
    const write = (address: bigint, value: bigint) => made.bus.write(guestPhysical(address), 4, value, 0);
    const acknowledge = () => made.bus.read(guestPhysical(0x801_000cn), 4, 0);
    write(0x800_0000n, 1n);
    write(0x800_0104n, 6n);
    write(0x801_0004n, 0xffn);
    write(0x801_0000n, 1n);
    write(0x900_0038n, 0x20n);
    write(0x900_0000n, 0x41n);
    expect(sent).toEqual([0x41]);
    expect(made.interruptController.pending(0).irq).toBe(true);
    expect(acknowledge()).toBe(33n);
    write(0x900_0044n, 0x20n);
    write(0x801_0010n, 33n);
    write(0x901_0010n, 1n);
    write(0x901_0004n, 0n);
    expect(acknowledge()).toBe(34n);
  });

  it("refuses memory and CPUs it cannot have", () => {
    expect(() => board({ memoryBytes: 0 })).toThrow(/multiple of 4096/);
    expect(() => board({ memoryBytes: 5000 })).toThrow(/multiple of 4096/);
    expect(() => board({ memoryBytes: 3 * 2 ** 30 + 4096 })).toThrow(/3 GiB/);
    expect(() => board({ cpus: 9 })).toThrow(/1 to 8 CPUs/);
    expect(board({ memoryBytes: 3 * 2 ** 30 }).board.ram.size).toBe(3n << 30n);
  });

  it.each([2, 3] as const)("goes back to the state of power-on when reset (GICv%i)", (gicVersion) => {
    const { board: made } = board({ gicVersion });
    const fresh = made.save();
    for (const [address, value] of [
      [0x800_0000n, 3n],
      [0x800_0104n, 0xffffn],
      [0x900_0038n, 0x20n],
      [0x900_0000n, 0x41n],
      [0x901_0010n, 1n],
      [0x901_0004n, 5n],
    ] as const) {
      made.bus.write(guestPhysical(address), 4, value, 0);
    }
    expect(made.save()).not.toEqual(fresh);
    made.reset();
    expect(made.save()).toEqual(fresh);
  });

  it.each([2, 3] as const)("goes on from a saved state (GICv%i)", (gicVersion) => {
    const first = board({ gicVersion }).board;
    first.uart.receive(Uint8Array.of(1, 2, 3));
    first.bus.write(guestPhysical(0x900_0038n), 4, 0x10n, 0);
    first.bus.write(guestPhysical(0x901_0008n), 4, 77n, 0);
    const second = board({ gicVersion }).board;
    second.load(structuredClone(first.save()));
    expect(second.save()).toEqual(first.save());
    expect(second.bus.read(guestPhysical(0x800_0204n), 4, 0)).toBe(2n);
    const other = board({ gicVersion: gicVersion === 2 ? 3 : 2 }).board;
    expect(() => other.load(first.save())).toThrow(/the saved state has a GICv/);
  });
});

describe("the board's device tree", () => {
  it("tells the guest its command line, initrd and console, and nothing random unless a seed is given", () => {
    const { board: made } = board();
    const plain = made.deviceTree({});
    const chosen = nodeAt(plain.root, "/chosen") as FdtNode;
    expect(chosen.properties.map((p) => p.name)).toEqual(["stdout-path"]);
    expect(stringsOf(chosen, "stdout-path")).toEqual(["/pl011@9000000"]);
    const full = made.deviceTree({
      commandLine: "console=ttyAMA0",
      initrd: { base: guestPhysical(0x4800_0000n), size: 0x123n },
      seed: 1n,
    });
    const told = nodeAt(full.root, "/chosen") as FdtNode;
    expect(stringsOf(told, "bootargs")).toEqual(["console=ttyAMA0"]);
    expect(cellsOf(told, "linux,initrd-start")).toEqual([0, 0x4800_0000]);
    expect(cellsOf(told, "linux,initrd-end")).toEqual([0, 0x4800_0123]);
    expect(propertyOf(told, "kaslr-seed")).toHaveLength(8);
    expect(propertyOf(told, "rng-seed")).toHaveLength(32);
  });

  it("is the same for the same seed and another for another", () => {
    const { board: made } = board();
    const blob = (seed: bigint) => writeFdt(made.deviceTree({ seed }));
    expect(blob(7n)).toEqual(blob(7n));
    expect(blob(7n)).not.toEqual(blob(8n));
    // SplitMix64 from 0, published with the generator.
    expect([...seededBytes(0n, 8)]).toEqual([0xe2, 0x20, 0xa8, 0x39, 0x7b, 0x1d, 0xcd, 0xaf]);
  });

  it("leaves the PMU out when there is none, and names the CPU it is given", () => {
    const { board: made } = board({ pmu: false, cpuCompatible: "arm,cortex-a72" });
    const { root } = made.deviceTree({});
    expect(nodeAt(root, "/pmu")).toBeUndefined();
    expect(stringsOf(nodeAt(root, "/cpus/cpu@1") as FdtNode, "compatible")).toEqual(["arm,cortex-a72"]);
  });

  it("of a user's own keeps what it says and is told of RAM and boot", () => {
    const ram = { base: guestPhysical(0x4000_0000n), size: 0x1000_0000n };
    const own = {
      root: node("", [cells("#address-cells", 1), cells("#size-cells", 1)], [node("mine", [flag("x")])]),
      reservations: [],
      bootCpu: 0,
    };
    const { root } = adaptDeviceTree(own, ram, { commandLine: "quiet" });
    expect(root.children.map((c) => c.name)).toEqual(["mine", "memory@40000000", "chosen"]);
    expect(cellsOf(root.children[1] as FdtNode, "reg")).toEqual([0x4000_0000, 0x1000_0000]);
    const again = adaptDeviceTree({ ...own, root }, { ...ram, size: 0x2000_0000n }, { commandLine: "loud" });
    expect(cellsOf(nodeAt(again.root, "/memory@40000000") as FdtNode, "reg")).toEqual([
      0x4000_0000, 0x2000_0000,
    ]);
    expect(stringsOf(nodeAt(again.root, "/chosen") as FdtNode, "bootargs")).toEqual(["loud"]);
    const three = { ...own, root: node("", [cells("#address-cells", 3)]) };
    expect(() => adaptDeviceTree(three, ram, {})).toThrow(/#address-cells = 3/);
  });

  it.skipIf(!hasDtc)(
    "is one that dtc accepts without a complaint of substance (package device-tree-compiler)",
    () => {
      for (const gicVersion of [2, 3] as const) {
        const blob = writeFdt(board({ gicVersion }).board.deviceTree({ commandLine: "a", seed: 1n }));
        const { status, stderr } = spawnSync("dtc", ["-I", "dtb", "-O", "dts", "-o", "/dev/null"], {
          input: blob,
        });
        expect(status).toBe(0);
        const complaints = stderr
          .toString()
          .split("\n")
          .filter((line) => /Warning|ERROR/.test(line));
        expect(complaints).toEqual([]);
      }
    },
  );

  it.skipIf(!hasQemu)("says of what both have the same as QEMU's own (package qemu-system-arm)", () => {
    const directory = mkdtempSync(join(tmpdir(), "vmexit-dtb-"));
    try {
      for (const gicVersion of [2, 3] as const) {
        const file = join(directory, `gic${gicVersion}.dtb`);
        const arguments_ = [
          "-M",
          `virt,gic-version=${gicVersion},dumpdtb=${file}`,
          "-cpu",
          "cortex-a57",
          "-smp",
          "2",
        ];
        expect(spawnSync("qemu-system-aarch64", [...arguments_, "-m", "256M", "-nographic"]).status).toBe(0);
        const theirs = parseFdt(new Uint8Array(readFileSync(file))).root;
        const ours = board({ gicVersion }).board.deviceTree({}).root;
        expect(differences(ours, theirs)).toEqual([]);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** Properties of ours that QEMU's tree has not, or has otherwise; handles may have other numbers. */
function differences(ours: FdtNode, theirs: FdtNode | undefined, path = ""): string[] {
  if (!theirs) return [`${path} is not there`];
  const handles = /^(phandle|interrupt-parent|clocks|cpu)$/;
  const own = ours.properties
    .filter(({ name }) => !handles.test(name))
    .filter(({ name, value }) => `${propertyOf(theirs, name)}` !== `${value}`)
    .map(({ name }) => `${path}/${name}`);
  const children = ours.children.flatMap((child) =>
    differences(
      child,
      theirs.children.find((c) => c.name === child.name),
      `${path}/${child.name}`,
    ),
  );
  return [...own, ...children];
}
