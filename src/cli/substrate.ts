import { BootImageError } from "../machine/boot/bootError.ts";
import { isX86Image } from "../machine/boot/x86/classify.ts";
import { openX86Image } from "../machine/boot/x86/open.ts";
import type { GuestOptions } from "../vmm/guest.ts";
import type { GuestRequest } from "./machine.ts";
import { prebuiltInterpreter } from "./prebuilt.ts";
import { readInput } from "./readFile.ts";
import type { RunnableGuest } from "./run/runnable.ts";
import { UserError } from "./userError.ts";

/** What executes the guest. */
export const SUBSTRATES = ["embedded", "linux"] as const;
export type Substrate = (typeof SUBSTRATES)[number];

/** The guest's architecture. */
export const ARCHITECTURES = ["arm64", "x86-64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** What the user has said of both. */
export interface SubstrateRequest {
  readonly image: string;
  readonly firmware: boolean;
  readonly memoryBytes: number;
  /** Left out: what the image says that it is. */
  readonly architecture: Architecture | undefined;
  /** Left out: the one that runs the guest's architecture. */
  readonly substrate: Substrate | undefined;
}

/** Builds a machine and reads what it is booted with. @throws UserError for whatever the user can put right */
export type PrepareGuest = (
  request: GuestRequest,
  surroundings: Pick<GuestOptions, "transmit" | "onReceiveRoom">,
) => Promise<RunnableGuest>;

/**
 * Which substrate runs a guest: arm64 guests run on the embedded one, everywhere; x86-64 guests on the host's KVM, as the embedded
 * one has no x86-64 yet. @throws UserError when that is not what the user has asked for
 */
export async function substrateFor(request: SubstrateRequest): Promise<PrepareGuest> {
  // A pipe can be read but once.
  const bytes = tellsArchitecture(request)
    ? readInput("image", request.image, request.memoryBytes)
    : undefined;
  const known = bytes === undefined ? {} : { bytes };
  const architecture =
    request.architecture ??
    (bytes !== undefined && (await isForX86(bytes, request.memoryBytes)) ? "x86-64" : "arm64");
  if (architecture === "arm64") {
    if (request.substrate === "linux")
      throw new UserError(
        "--substrate linux: it runs guests of the host's architecture, x86-64, and this one is for arm64; leave it out",
      );
    const interpreter = prebuiltInterpreter();
    const { arm64Guest } = await import("./run/arm64Guest.ts");
    return (guest, surroundings) => arm64Guest({ ...guest, ...known, interpreter }, surroundings);
  }
  if (request.substrate === "embedded")
    throw new UserError(
      "--substrate embedded: it runs arm64 guests only so far, and this one is for x86-64; use --substrate linux",
    );
  const { x86Guest } = await import("./run/x86Guest.ts");
  return (guest, surroundings) => x86Guest({ ...guest, ...known }, surroundings);
}

/** Whether an image is an x86 guest, compressed or not. What cannot be unpacked is told by who boots it. */
async function isForX86(bytes: Uint8Array, limit: number): Promise<boolean> {
  try {
    return isX86Image(await openX86Image(bytes, limit));
  } catch (error) {
    if (error instanceof BootImageError) return false;
    throw error;
  }
}

/** Firmware and flat binaries say nothing. */
function tellsArchitecture({ architecture, firmware }: SubstrateRequest): boolean {
  return architecture === undefined && !firmware;
}
