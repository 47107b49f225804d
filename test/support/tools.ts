import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { unicornAvailable } from "../oracle/unicorn.ts";

/** Whether a test's external tool is here; if not, `reason` says what is missing and how to get it. */
export type ToolState = { readonly available: true } | { readonly available: false; readonly reason: string };

/** The environment variable under which a missing tool is an error (continuous integration sets it). */
export const REQUIRE_TOOLS_VARIABLE = "VMEXIT_REQUIRE_TOOLS";

const projectRoot = new URL("../..", import.meta.url).pathname;

function onPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A Debian program looked for on PATH, and the package that has it. */
const program = (name: string, debianPackage: string) => ({
  find: () => onPath(name),
  advice: `${name} is not on PATH (Debian: apt-get install ${debianPackage})`,
});

const TOOLS = {
  "gdb-multiarch": program("gdb-multiarch", "gdb-multiarch"),
  lldb: program("lldb", "lldb"),
  clang: {
    find: () => onPath("clang") && onPath("ld.lld"),
    advice: "clang and ld.lld are not on PATH (Debian: apt-get install clang lld)",
  },
  "llvm-objdump": program("llvm-objdump", "llvm"),
  "aarch64-linux-gnu-objdump": program("aarch64-linux-gnu-objdump", "binutils-aarch64-linux-gnu"),
  "aarch64-linux-gnu-as": program("aarch64-linux-gnu-as", "binutils-aarch64-linux-gnu"),
  "qemu-system-aarch64": program("qemu-system-aarch64", "qemu-system-arm"),
  dtc: program("dtc", "device-tree-compiler"),
  cpio: program("cpio", "cpio"),
  chromium: program("chromium", "chromium"),
  "u-boot-qemu": {
    find: () => existsSync("/usr/lib/u-boot/qemu_arm64/u-boot.bin"),
    advice: "U-Boot for QEMU is missing (Debian: apt-get install u-boot-qemu)",
  },
  "qemu-efi-aarch64": {
    find: () => existsSync("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"),
    advice: "EDK2 for arm64 is missing (Debian: apt-get install qemu-efi-aarch64)",
  },
  libunicorn: {
    find: () => unicornAvailable,
    advice: "libunicorn.so.2 is missing (Debian: apt-get install libunicorn2)",
  },
  "debian-arm64": {
    find: () => existsSync(join(projectRoot, ".cache/debian-arm64/initramfs.cpio.gz")),
    advice: "Debian's arm64 kernel is not fetched (run scripts/fetch-debian-arm64.sh as root)",
  },
  "/dev/kvm": {
    find: () => existsSync("/dev/kvm"),
    advice: "this machine has no /dev/kvm",
  },
} as const satisfies Record<string, { find: () => boolean; advice: string }>;

/** The external things tests may ask for. */
export type ToolName = keyof typeof TOOLS;

/** Missing hardware is nobody's fault: these skip everywhere. */
const MAY_ALWAYS_SKIP: ReadonlySet<ToolName> = new Set<ToolName>(["/dev/kvm"]);

/**
 * Look for an external tool that a test needs, at the top of the test file:
 * `const gdb = requireTool("gdb-multiarch"); describe.skipIf(!gdb.available)("…", …)`.
 * @returns whether it is here. When it is not, one line on standard error says so.
 * @throws when it is missing and `VMEXIT_REQUIRE_TOOLS=1`, so that the test file fails instead of skipping.
 */
export function requireTool(name: ToolName): ToolState {
  const { find, advice } = TOOLS[name];
  if (find()) return { available: true };
  if (process.env[REQUIRE_TOOLS_VARIABLE] === "1" && !MAY_ALWAYS_SKIP.has(name)) {
    throw new Error(`${advice}; ${REQUIRE_TOOLS_VARIABLE}=1 makes this a failure`);
  }
  process.stderr.write(`SKIPPED for a missing tool: ${advice}\n`);
  return { available: false, reason: advice };
}
