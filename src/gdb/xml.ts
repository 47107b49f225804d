import type {
  ArchitectureDescription,
  FeatureDescription,
  RegisterDescription,
  RegisterType,
} from "./architecture.ts";
import type { MemoryMapRegion, TargetThread } from "./target.ts";

const PROLOGUE = '<?xml version="1.0"?>\n';

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Escapes text for XML content and attribute values. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function attributes(pairs: readonly (readonly [string, string | number | undefined])[]): string {
  let text = "";
  for (const [name, value] of pairs) {
    if (value !== undefined) text += ` ${name}="${escapeXml(String(value))}"`;
  }
  return text;
}

/** The document `target.xml`: the architecture, and one include for each feature (gdb: "Target Description Format"). */
export function targetXml(architecture: ArchitectureDescription): string {
  const includes = architecture.features.map(
    (feature) => `  <xi:include${attributes([["href", feature.annex]])}/>\n`,
  );
  return (
    `${PROLOGUE}<!DOCTYPE target SYSTEM "gdb-target.dtd">\n` +
    '<target version="1.0" xmlns:xi="http://www.w3.org/2001/XInclude">\n' +
    `  <architecture>${escapeXml(architecture.name)}</architecture>\n` +
    "  <osabi>none</osabi>\n" +
    `${includes.join("")}</target>\n`
  );
}

/** The document of one feature: its types and registers. */
export function featureXml(feature: FeatureDescription): string {
  const types = feature.types.map(typeXml);
  const registers = feature.registers.map(registerXml);
  return (
    `${PROLOGUE}<!DOCTYPE feature SYSTEM "gdb-target.dtd">\n` +
    `<feature${attributes([["name", feature.name]])}>\n${types.join("")}${registers.join("")}</feature>\n`
  );
}

function typeXml(type: RegisterType): string {
  if (type.kind === "vector") {
    const pairs = attributes([
      ["id", type.id],
      ["type", type.element],
      ["count", type.count],
    ]);
    return `  <vector${pairs}/>\n`;
  }
  const fields = type.fields.map((field) => {
    const pairs = attributes([
      ["name", field.name],
      ["start", field.start],
      ["end", field.end],
      ["type", field.type],
    ]);
    return `    <field${pairs}/>\n`;
  });
  const head = attributes([
    ["id", type.id],
    ["size", type.kind === "flags" ? type.bytes : undefined],
  ]);
  return `  <${type.kind}${head}>\n${fields.join("")}  </${type.kind}>\n`;
}

function registerXml(register: RegisterDescription): string {
  const pairs = attributes([
    ["name", register.name],
    ["bitsize", register.bits],
    ["type", register.type],
    ["regnum", register.regnum],
    ["group", register.group],
    ["save-restore", register.saveRestore === false ? "no" : undefined],
    // LLDB's additions; gdb skips them.
    ["altname", register.alternativeName],
    ["generic", register.generic],
    ["dwarf_regnum", register.dwarf],
    ["ehframe_regnum", register.dwarf],
  ]);
  return `  <reg${pairs}/>\n`;
}

/** The document of `qXfer:memory-map` (gdb: "Memory Map Format"). */
export function memoryMapXml(regions: readonly MemoryMapRegion[]): string {
  const body = regions.map((region) => {
    const pairs = attributes([
      ["type", region.type],
      ["start", `0x${region.start.toString(16)}`],
      ["length", `0x${region.length.toString(16)}`],
    ]);
    const { blockSize } = region;
    if (blockSize === undefined) return `  <memory${pairs}/>\n`;
    return `  <memory${pairs}><property name="blocksize">0x${blockSize.toString(16)}</property></memory>\n`;
  });
  return (
    `${PROLOGUE}<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN"` +
    ' "http://sourceware.org/gdb/gdb-memory-map.dtd">\n' +
    `<memory-map>\n${body.join("")}</memory-map>\n`
  );
}

/** The document of `qXfer:threads` (gdb: "Thread List Format"). `formatId` gives a thread-id as the client wants it. */
export function threadsXml(threads: readonly TargetThread[], formatId: (id: number) => string): string {
  const body = threads.map((thread) => {
    const pairs = attributes([
      ["id", formatId(thread.id)],
      ["core", thread.core],
      ["name", thread.name],
    ]);
    return `  <thread${pairs}>${escapeXml(thread.detail ?? "")}</thread>\n`;
  });
  return `${PROLOGUE}<threads>\n${body.join("")}</threads>\n`;
}
