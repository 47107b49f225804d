import { type AddressRange, guestPhysical } from "../../address.ts";
import { BOOT_MAP, PC_MAP } from "../../board/x86PcMap.ts";
import { BootLayoutError } from "../bootError.ts";
import { checkInRam } from "../placement.ts";
import type { BzImage } from "./image.ts";
import { commandLinePiece, piece } from "./pieces.ts";
import type { ProtocolPlan, X86BootRequest } from "./protocol.ts";
import { zeroPage } from "./zeroPage.ts";

const ENTRY_64 = 0x200n;
const PAGE = 4096n;

/** Linux's 64-bit and 32-bit boot protocols (Documentation/arch/x86/boot.rst): RSI has the zero page. */
export function planBzImage(request: X86BootRequest, image: BzImage): ProtocolPlan {
  const { ram } = request;
  const at = image.preferredAddress;
  checkInRam("kernel", at, image.initSize, ram, BigInt(PC_MAP.maximumRamBytes));
  const kernel = image.bytes.subarray(image.setupBytes);
  const kernelEnd = at + (image.initSize > BigInt(kernel.length) ? image.initSize : BigInt(kernel.length));
  const limit = image.initrdMaximum === 0n ? undefined : image.initrdMaximum + 1n;
  const initrd = placeInitrd(request, kernelEnd, limit);
  return {
    protocol: `Linux, ${image.bits}-bit boot protocol`,
    pieces: [
      { ...piece("kernel", at, kernel), size: kernelEnd - at },
      piece("zero page", BOOT_MAP.zeroPage, zeroPage({ ram, initrd, setup: image.bytes })),
      commandLinePiece(request.commandLine ?? "", image.commandLineBytes + 1),
      ...(initrd === undefined ? [] : [piece("initrd", initrd.base, request.initrd ?? new Uint8Array())]),
    ],
    entry: {
      mode: image.bits === 64 ? "long" : "protected",
      registers: {
        rip: image.bits === 64 ? at + ENTRY_64 : at,
        rsi: BOOT_MAP.zeroPage,
        rsp: BOOT_MAP.stackEnd,
      },
    },
  };
}

/** As high as it may be, behind the kernel. @throws BootLayoutError if there is no room */
export function placeInitrd(
  { ram, initrd }: X86BootRequest,
  kernelEnd: bigint,
  limit: bigint | undefined,
): AddressRange | undefined {
  if (initrd === undefined || initrd.length === 0) return undefined;
  const size = BigInt(initrd.length);
  const ramEnd = ram.base + ram.size;
  const end = limit !== undefined && limit < ramEnd ? limit : ramEnd;
  const base = (end - size) & ~(PAGE - 1n);
  if (end < size || base < kernelEnd)
    throw new BootLayoutError(
      `the initrd (${size} bytes) does not fit behind the kernel, which needs memory up to 0x${kernelEnd.toString(16)}: ` +
        "give the guest more memory",
    );
  return { base: guestPhysical(base), size };
}
