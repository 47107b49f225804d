import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** `npm run build` makes it; `npm test` runs that first. */
const built = fileURLToPath(new URL("../../../dist/kvm", import.meta.url));

describe.skipIf(process.platform !== "linux" || !existsSync(join(built, "linux/kvm.js")))(
  "the linux substrate without its package",
  () => {
    it("can be imported, and says in one line what to do when it is asked for", () => {
      const folder = mkdtempSync(join(tmpdir(), "vmexit-no-koffi-"));
      try {
        cpSync(built, join(folder, "kvm"), { recursive: true });
        writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
        // Found before any that an outer folder may have.
        const broken = join(folder, "node_modules/koffi");
        mkdirSync(broken, { recursive: true });
        writeFileSync(
          join(broken, "index.js"),
          'throw new Error("no build for this host\\nand more lines");',
        );
        writeFileSync(
          join(folder, "program.js"),
          `import { LinuxKvm } from "./kvm/linux/kvm.js";
           try { LinuxKvm.open(); } catch (error) { console.log(error.name + ": " + error.message); }`,
        );
        const { stdout, stderr } = spawnSync(process.execPath, ["program.js"], {
          cwd: folder,
          encoding: "utf8",
        });
        expect(stderr).toBe("");
        expect(stdout).toMatch(/^SubstrateError: .*\(no build for this host\).*npm install koffi.*\n$/);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);
