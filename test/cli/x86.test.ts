import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { debugGuest, kvm, modesGuest } from "../debugger/support/x86.ts";
import { bzImage, elf } from "../machine/boot/x86/images.ts";
import { requireTool } from "../support/tools.ts";
import { guest, Scratch, startVmexit, vmexit } from "./support/cli.ts";

const gdb = requireTool("gdb-multiarch");
const scratch = new Scratch();
afterAll(() => scratch.remove());

const notice = "vmexit: substrate linux (/dev/kvm); ELF, long mode\n";

describe("vmexit run --substrate", () => {
  it.each([
    [
      "linux for an arm64 guest",
      ["run", guest("hello"), "--substrate", "linux"],
      /^vmexit: --substrate linux: it runs guests of the host's architecture, x86-64, and this one is for arm64; leave it out\n$/,
    ],
    [
      "embedded for an x86-64 guest",
      ["run", debugGuest, "--substrate", "embedded"],
      /^vmexit: --substrate embedded: it runs arm64 guests only so far, and this one is for x86-64; use --substrate linux\n$/,
    ],
    [
      "something else",
      ["run", debugGuest, "--substrate", "xen"],
      /^vmexit: --substrate xen: it takes embedded or linux\n$/,
    ],
    [
      "an architecture there is none of",
      ["run", debugGuest, "--arch", "vax"],
      /--arch vax: it takes arm64 or x86-64/,
    ],
    ["a GIC for a PC", ["run", debugGuest, "--gic", "2"], /--gic: a PC has no GIC/],
    ["a device tree for a PC", ["run", debugGuest, "--dtb", "/dev/null"], /--dtb: a PC has no device tree/],
    [
      "an engine for a PC",
      ["run", debugGuest, "--engine", "jit"],
      /--engine: the host's processor executes the guest/,
    ],
  ])("refuses %s in one line", (_, args, line) => {
    const { status, stdout, stderr } = vmexit(args);
    expect(stderr).toMatch(line);
    expect([status, stdout]).toEqual([1, ""]);
  });

  it.skipIf(existsSync("/dev/kvm"))("says what is missing where there is no /dev/kvm", () => {
    const { status, stderr } = vmexit(["run", debugGuest]);
    expect(stderr).toMatch(/^vmexit: --substrate linux: [^\n]+; x86-64 guests run nowhere else so far\n$/);
    expect(status).toBe(1);
  });
});

/** Waits until a thread other than the first uses up the processor: a guest that spins. */
async function inThreads(pid: number | undefined): Promise<void> {
  const tasks = `/proc/${pid}/task`;
  const ticks = (): number[] =>
    readdirSync(tasks)
      .filter((task) => task !== `${pid}`)
      .map((task) => {
        // proc(5): behind the name in parentheses; field 15 is stime, 43 guest_time.
        const fields = readFileSync(`${tasks}/${task}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
        return Number(fields[12]) + Number(fields[40]);
      });
  while (Math.max(...ticks()) < 10) await sleep(20);
}

describe.skipIf(!kvm.available)("vmexit run with an x86-64 guest", () => {
  it("chooses the substrate by the image, says so, and ends with the guest's status", () => {
    const { status, stdout, stderr } = vmexit(["run", debugGuest]);
    expect([status, stdout, stderr]).toEqual([1, "hello from x86-64\ngoodbye\n", notice]);
  });

  it("starts a boot sector in real mode", () => {
    const { status, stdout } = vmexit(["run", modesGuest]);
    expect([status, stdout]).toEqual([1, "real mode\n"]);
  });

  it("takes a flat binary for one only when told so", () => {
    // mov al, 2; out 0xf4, al; hlt
    const flat = scratch.file("flat.bin", Uint8Array.of(0xb0, 0x02, 0xe6, 0xf4, 0xf4));
    expect(vmexit(["run", flat, "--arch", "x86-64"]).status).toBe(5);
  });

  it("writes every exit to a file, and counts them", () => {
    const trace = scratch.path("exits");
    const { stderr } = vmexit(["run", debugGuest, "--trace", `exits=${trace}`, "--stats"]);
    const lines = readFileSync(trace, "latin1").trimEnd().split("\n");
    const out = { vcpu: 0, exit: "IO", access: "write", size: 1, count: 1 };
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ ...out, port: "0x3f8", data: "68" });
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ ...out, port: "0xf4", data: "00" });
    expect(stderr).toMatch(/\nexits +IO 27/);
    expect(stderr).not.toMatch(/MIPS/);
  });

  it("says of a kernel that may move itself that its symbols may not hold, unless it is told to stay", () => {
    // mov al, 3; mov dx, 0xf4; out dx, al; hlt at the 64-bit entry point
    const bytes = bzImage(4096);
    bytes.set([0xb0, 3, 0x66, 0xba, 0xf4, 0, 0xee, 0xf4], 3 * 512 + 0x200);
    const image = scratch.file("moving", bytes);
    const moving = vmexit(["run", image]);
    expect(moving.status).toBe(7);
    expect(moving.stderr).toMatch(/may move itself \(KASLR\).*append nokaslr/);
    expect(vmexit(["run", image, "--append", "quiet nokaslr"]).stderr).not.toContain("KASLR");
  });

  it("says that it does not count instructions", () => {
    expect(vmexit(["run", debugGuest, "--limit", "1000"]).stderr).toMatch(
      /--limit: this substrate does not count/,
    );
  });

  it("ends when the guest can never go on, with the reason", () => {
    const halted = scratch.file("halted.bin", Uint8Array.of(0xfa, 0xf4, 0xeb, 0xfd));
    const { status, stderr } = vmexit(["run", halted, "--arch", "x86-64"]);
    expect(stderr).toMatch(/the guest waits for ever/);
    expect(status).toBe(2);
  });

  it("ends with the reason when the guest shuts down by a triple fault", () => {
    // Entered with an interrupt table of no bytes: ud2.
    const image = scratch.file("triple.elf", elf({ bits: 64, bytes: Uint8Array.of(0x90, 0x0f, 0x0b) }));
    const { status, stderr } = vmexit(["run", image]);
    expect(stderr).toMatch(/triple fault: .* \(vCPU 0 at pc 0x100001\)/);
    expect(status).toBe(2);
  });

  const spinning = scratch.file("spin.bin", Uint8Array.of(0xb0, 0x21, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xfe));

  it.each([
    [["--append", "x=1"], /^vmexit: --append: a boot sector takes no command line; leave it out\n$/],
    [
      ["--initrd", "/dev/null"],
      /^vmexit: --initrd: a boot sector takes no initial RAM disk; leave it out\n$/,
    ],
    [["--firmware", "--append", "x=1"], /^vmexit: --append: firmware takes no command line; leave it out\n$/],
  ])("is not started with what it is not handed: %j", (options, message) => {
    const { status, stderr } = vmexit(["run", spinning, "--arch", "x86-64", ...options]);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });

  it("is unpacked when it is in gzip, whatever it is then", () => {
    // mov al, 3; out 0xf4, al
    const image = elf({ bits: 32, bytes: Uint8Array.of(0xb0, 0x03, 0xe6, 0xf4) });
    const packed = gzipSync(image);
    const { status, stderr } = vmexit(["run", scratch.file("packed.gz", packed)]);
    expect(stderr).toContain("ELF, 32-bit protected mode");
    expect(status).toBe(7);
    const cut = vmexit(["run", scratch.file("cut.gz", packed.subarray(0, 30)), "--arch", "x86-64"]);
    expect(cut.stderr).toMatch(/gzip image is damaged or cut off/);
    expect(cut.status).toBe(1);
  });

  it("restarts the guest when it asks for that, or ends", () => {
    // inc byte [0x8000]; the second time: exit; else reset by the keyboard controller.
    const code = [
      0xfe, 0x06, 0x00, 0x80, 0x80, 0x3e, 0x00, 0x80, 0x02, 0x74, 0x06, 0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe,
    ];
    const end = [0xb0, 0x03, 0xe6, 0xf4, 0xf4];
    const image = scratch.file("reset.bin", Uint8Array.from([...code, ...end]));
    expect(vmexit(["run", image, "--arch", "x86-64"]).status).toBe(7);
    expect(vmexit(["run", image, "--arch", "x86-64", "--no-reboot"]).status).toBe(0);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends at %s while the guest spins", async (signal) => {
    const run = startVmexit(["run", spinning, "--arch", "x86-64"]);
    await run.says("!");
    run.child.kill(signal);
    expect(await run.ended).toBe(signal === "SIGINT" ? 130 : 143);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "ends at %s while the guest spins in a thread of its own",
    async (signal) => {
      const run = startVmexit(["run", spinning, "--arch", "x86-64"]);
      await run.says("!");
      await inThreads(run.child.pid);
      run.child.kill(signal);
      expect(await run.ended).toBe(signal === "SIGINT" ? 130 : 143);
    },
  );

  it("leaves nothing behind when it is killed", async () => {
    const run = startVmexit(["run", spinning, "--arch", "x86-64", "--gdb=0"]);
    await run.says("!");
    await inThreads(run.child.pid);
    const { pid } = run.child;
    const files = readdirSync(`/proc/${pid}/fd`).length;
    expect(files).toBeGreaterThan(0);
    run.child.kill("SIGKILL");
    await run.ended;
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(vmexit(["run", debugGuest]).status).toBe(1);
  });

  it.skipIf(!gdb.available)("is debugged by gdb from its first instruction", async () => {
    const run = startVmexit(["run", debugGuest, "--gdb=0", "--wait"]);
    await run.says("target remote ", "stderr");
    const place = /target remote (\S+)/.exec(run.stderr())?.[1] ?? "";
    const commands = [
      `file ${debugGuest}`,
      `target remote ${place}`,
      "break finish",
      "continue",
      "p counter",
      "delete",
      "continue",
    ];
    const { stdout } = spawnSync(
      "gdb-multiarch",
      ["-nx", "-batch", ...commands.flatMap((each) => ["-ex", each])],
      {
        encoding: "utf8",
      },
    );
    expect(stdout).toMatch(/Breakpoint 1, .*finish/);
    expect(stdout).toContain("exited normally");
    expect([await run.ended, run.stdout()]).toEqual([1, "hello from x86-64\ngoodbye\n"]);
  });

  it.skipIf(!gdb.available)("has 32-bit registers in gdb when its image has 32 bits", async () => {
    // inc eax; nop; jmp back
    const image = scratch.file("small.elf", elf({ bits: 32, bytes: Uint8Array.of(0x40, 0x90, 0xeb, 0xfc) }));
    const run = startVmexit(["run", image, "--gdb=0", "--wait"]);
    await run.says("target remote ", "stderr");
    const place = /target remote (\S+)/.exec(run.stderr())?.[1] ?? "";
    const commands = [
      `file ${image}`,
      `target remote ${place}`,
      "stepi",
      "p $eip",
      "p $eax",
      "x/i $pc",
      "kill",
    ];
    const { stdout, stderr } = spawnSync(
      "gdb-multiarch",
      ["-nx", "-batch", ...commands.flatMap((each) => ["-ex", each])],
      { encoding: "utf8" },
    );
    expect(stderr).not.toMatch(/rejected|not compatible|too long|Truncated/);
    expect(stdout).toMatch(/= \(.*\) 0x100001[\s\S]*= 1\n=> 0x100001:\tnop/);
    expect(await run.ended).toBe(0);
  });
});
