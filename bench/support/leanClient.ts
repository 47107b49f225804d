import { execFile, execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cache, root } from "./paths.ts";
import { BenchError } from "./process.ts";
import type { ServerAddress } from "./remote.ts";

/** What the client does next; see bench/remote-client.c. */
export type Order =
  | { readonly kind: "must" | "stop"; readonly packet: string }
  | { readonly kind: "rate"; readonly count: number; readonly packets: readonly string[] };

const program = join(cache, "remote-client");

/** Builds bench/remote-client.c. @throws BenchError where there is neither cc nor clang */
export function buildLeanClient(): void {
  mkdirSync(cache, { recursive: true });
  const options = ["-O2", "-o", program, join(root, "bench", "remote-client.c")];
  for (const compiler of ["cc", "clang"]) {
    try {
      execFileSync(compiler, options);
      return;
    } catch {
      // The next one.
    }
  }
  throw new BenchError("bench/remote-client.c needs a C compiler: apt install clang");
}

/** Carries out orders at a server. @returns for each `rate`, times a second */
export function order(address: ServerAddress, orders: readonly Order[]): Promise<readonly number[]> {
  const words = orders.flatMap((each) =>
    each.kind === "rate" ? ["rate", String(each.count), each.packets.join(" ")] : [each.kind, each.packet],
  );
  const where = "path" in address ? address.path : String(address.port);
  return new Promise((resolve, reject) => {
    execFile(program, [where, ...words], (error, output, errors) => {
      if (error === null) resolve(output.trim().split("\n").map(Number));
      else reject(new BenchError(errors.trim()));
    });
  });
}
