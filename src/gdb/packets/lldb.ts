import type { ArchitectureDescription } from "../architecture.ts";
import { toHex } from "../hex.ts";
import type { PlacedRegister } from "../registerFile.ts";
import type { MemoryRegion } from "../target.ts";
import { PROCESS_ID } from "./threadId.ts";

const ENCODER = new TextEncoder();

function hexText(text: string): string {
  return toHex(ENCODER.encode(text));
}

/** LLDB's form of a reply: `key:value;` for every value that is there. */
function pairs(values: Readonly<Record<string, string | number | undefined>>): string {
  let text = "";
  for (const [key, value] of Object.entries(values)) if (value !== undefined) text += `${key}:${value};`;
  return text;
}

/** The reply to `qHostInfo`. */
export function formatHostInfo(architecture: ArchitectureDescription): string {
  return pairs({
    triple: hexText(architecture.triple),
    endian: architecture.endian,
    ptrsize: architecture.pointerBytes,
    watchpoint_exceptions_received: architecture.watchpointsReported,
    hostname: hexText("vmexit"),
  });
}

/** The reply to `qProcessInfo`. Ids are in hex, the pointer size is decimal. */
export function formatProcessInfo(architecture: ArchitectureDescription): string {
  return pairs({
    pid: PROCESS_ID.toString(16),
    triple: hexText(architecture.triple),
    endian: architecture.endian,
    ptrsize: architecture.pointerBytes,
    ostype: "unknown",
  });
}

/** The reply to `qRegisterInfo`, for a client that does not read target.xml. */
export function formatRegisterInfo(placed: PlacedRegister): string {
  const { register, feature } = placed;
  const wide = register.bits > 64;
  return pairs({
    name: register.name,
    "alt-name": register.alternativeName,
    bitsize: register.bits,
    offset: placed.offset,
    encoding: wide ? "vector" : "uint",
    format: wide ? "vector-uint8" : "hex",
    set: feature.title,
    ehframe: register.dwarf,
    dwarf: register.dwarf,
    generic: register.generic,
  });
}

/** The reply to `qMemoryRegionInfo`. */
export function formatMemoryRegion(region: MemoryRegion): string {
  return pairs({
    start: region.start.toString(16),
    size: region.length.toString(16),
    permissions: region.permissions,
    name: region.name === undefined ? undefined : hexText(region.name),
  });
}
