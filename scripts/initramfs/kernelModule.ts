import { sectionBytes } from "./elf.ts";

const relocationBytes = 24;
const versionBytes = 64;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const text = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** Where a string stands in a section. */
function find(section: Uint8Array, wanted: string): number {
  const at = text(section).indexOf(wanted);
  if (at < 0) throw new Error(`a kernel module has no ${wanted.replaceAll("\0", "")}`);
  return at;
}

/** `vermagic=…` as it stands in .modinfo. */
function versionMagic(file: Uint8Array): string {
  const information = sectionBytes(file, ".modinfo");
  const start = find(information, "vermagic=");
  return text(information.subarray(start, information.indexOf(0, start)));
}

/** The checksum of module_layout. */
function layoutChecksum(file: Uint8Array): bigint {
  const versions = sectionBytes(file, "__versions");
  const at = find(versions, "module_layout\0") - 8;
  if (at % versionBytes !== 0) throw new Error("a kernel module's __versions is not understood");
  return viewOf(versions).getBigUint64(at, true);
}

const thisModule = ".rela.gnu.linkonce.this_module";

/**
 * Makes a module of ours loadable by a kernel.
 * @param template the module with vermagic, the checksum and the place of the initialisation left open.
 * @param reference any module of that kernel.
 * @throws Error for a file that is not such a module, and when the version is too long.
 */
export function fillKernelModule(template: Uint8Array, reference: Uint8Array): Uint8Array {
  const module = template.slice();
  const information = sectionBytes(module, ".modinfo");
  const magic = new TextEncoder().encode(versionMagic(reference));
  const start = find(information, "vermagic=");
  if (start + magic.length >= information.length) throw new Error("the kernel's vermagic is too long");
  information.set(magic, start);
  const versions = sectionBytes(module, "__versions");
  viewOf(versions).setBigUint64(find(versions, "module_layout\0") - 8, layoutChecksum(reference), true);
  // The initialisation is the first of the two functions in struct module.
  const relocations = sectionBytes(reference, thisModule);
  const places = Array.from({ length: relocations.length / relocationBytes }, (_, n) =>
    viewOf(relocations).getBigUint64(n * relocationBytes, true),
  );
  const [first] = places.sort((a, b) => (a < b ? -1 : 1));
  if (first === undefined) throw new Error("the kernel's module has no initialisation");
  viewOf(sectionBytes(module, thisModule)).setBigUint64(0, first, true);
  return module;
}
