import { type PreparedGuest, prepareGuest } from "../../src/cli/machine.ts";

/** A guest in this process, booted and not yet run; its console's output is dropped. */
export async function bootInProcess(image: string): Promise<PreparedGuest> {
  const prepared = await prepareGuest(
    {
      image,
      firmware: false,
      initrd: undefined,
      dtb: undefined,
      append: undefined,
      seed: undefined,
      memoryBytes: 512 * 2 ** 20,
      cpus: 1,
      gicVersion: 3,
      epochSeconds: undefined,
    },
    { transmit: () => {} },
  );
  prepared.machine.boot(prepared.plan);
  return prepared;
}
