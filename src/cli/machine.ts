import { availableParallelism } from "node:os";
import { arm64InstructionSet } from "../isa/arm64/instructionSet.ts";
import { BoardError } from "../machine/board/arm64Virt.ts";
import { adaptDeviceTree, type Chosen } from "../machine/board/chosen.ts";
import { BootImageError, BootLayoutError } from "../machine/boot/bootError.ts";
import type { BootPlan } from "../machine/boot/bootPlan.ts";
import { openImage } from "../machine/boot/open.ts";
import { planBoot } from "../machine/boot/planBoot.ts";
import { planFirmware } from "../machine/boot/planFirmware.ts";
import { parseFdt } from "../machine/fdt/parse.ts";
import { type Fdt, FdtError } from "../machine/fdt/tree.ts";
import { writeFdt } from "../machine/fdt/write.ts";
import { type EngineMode, GuestMachine, type GuestOptions } from "../vmm/guest.ts";
import { makeInterpreter } from "../vmm/interpreter.ts";
import { bundledInterpreter } from "./build.ts";
import { prebuiltInterpreter } from "./prebuilt.ts";
import { readInput } from "./readFile.ts";
import { RegionThread } from "./regions/service.ts";
import { UserError } from "./userError.ts";

/** What a guest is started from. */
export interface GuestRequest {
  readonly image: string;
  /** The image's bytes if it has been read. */
  readonly bytes?: Uint8Array;
  /** arm64's interpreter if it is being made ready. */
  readonly interpreter?: ReturnType<typeof prebuiltInterpreter>;
  /** The image is firmware: it starts at address 0 as after reset. */
  readonly firmware: boolean;
  readonly initrd: string | undefined;
  readonly dtb: string | undefined;
  readonly append: string | undefined;
  readonly seed: bigint | undefined;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly gicVersion?: 2 | 3 | undefined;
  readonly epochSeconds: bigint | undefined;
  readonly engine?: EngineMode | undefined;
  /** How often control must get to code before it is compiled; undefined: as the engine has it. */
  readonly heat?: number | undefined;
}

/** A machine with what it will be booted with. */
export interface PreparedGuest {
  readonly machine: GuestMachine;
  readonly plan: BootPlan;
  /** The image file's bytes. */
  readonly image: Uint8Array;
}

/**
 * Reads the files and builds the machine; `machine.boot(plan)` starts it.
 * @throws UserError for whatever the user can put right
 */
export async function prepareGuest(
  request: GuestRequest,
  surroundings: Pick<GuestOptions, "transmit" | "onReceiveRoom">,
): Promise<PreparedGuest> {
  const { memoryBytes } = request;
  if (request.firmware && request.initrd !== undefined) {
    throw new UserError("--initrd goes with a kernel, not with --firmware; leave one of them out");
  }
  const read = (what: string, path: string): Uint8Array => readInput(what, path, memoryBytes);
  const bytes = request.bytes ?? read("image", request.image);
  const initrd = request.initrd === undefined ? undefined : read("--initrd", request.initrd);
  const ownTree = request.dtb === undefined ? undefined : readTree(request.dtb, read("--dtb", request.dtb));
  const image = request.firmware
    ? undefined
    : await naming(`image ${request.image}`, () => openImage(bytes, memoryBytes));

  const instructionSet = arm64InstructionSet();
  const interpreter =
    (await (request.interpreter ?? prebuiltInterpreter())) ?? makeInterpreter(instructionSet);
  const regionService = regionServiceFor(request.engine);
  const machine = await naming("the machine cannot be built", () =>
    Promise.resolve(
      new GuestMachine({
        instructionSet,
        interpreter,
        memoryBytes,
        cpus: request.cpus,
        gicVersion: request.gicVersion ?? 3,
        ...surroundings,
        ...(request.engine && { engine: request.engine }),
        ...(request.heat !== undefined && { heat: request.heat }),
        ...(regionService && { regionService }),
        ...(request.epochSeconds !== undefined && { epochSeconds: request.epochSeconds }),
      }),
    ),
  );
  const { board } = machine;
  const chosen: Chosen = {
    ...(request.append !== undefined && { commandLine: request.append }),
    ...(request.seed !== undefined && { seed: request.seed }),
  };
  const tree = (more: Chosen): Uint8Array =>
    writeFdt(
      ownTree === undefined
        ? board.deviceTree({ ...chosen, ...more })
        : adaptDeviceTree(ownTree, board.ram, { ...chosen, ...more }),
    );
  const plan = await naming(`image ${request.image}`, async () =>
    image === undefined
      ? planFirmware(board, bytes, tree({}))
      : planBoot(board, {
          image,
          ...(initrd && { initrd }),
          deviceTree: (where) => tree(where === undefined ? {} : { initrd: where }),
        }),
  );
  return { machine, plan, image: bytes };
}

/** A processor of its own for hot code, if there is one and the build has left the thread's program. */
function regionServiceFor(engine: EngineMode = "auto"): RegionThread | undefined {
  const possible = bundledInterpreter !== undefined && engine === "auto" && availableParallelism() > 1;
  return possible ? new RegionThread() : undefined;
}

function readTree(path: string, bytes: Uint8Array): Fdt {
  try {
    return parseFdt(bytes);
  } catch (error) {
    if (error instanceof FdtError) throw new UserError(`--dtb ${path}: ${error.message}`);
    throw error;
  }
}

/** What the layers below refuse is the user's to put right; `what` is in front of their words. */
async function naming<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const known = [BootImageError, BootLayoutError, BoardError, FdtError].some(
      (kind) => error instanceof kind,
    );
    // The engine's error, which is not for front ends to import.
    const noMemory = error instanceof Error && error.name === "EngineMemoryError";
    if (known || noMemory) throw new UserError(`${what}: ${(error as Error).message}`);
    throw error;
  }
}
