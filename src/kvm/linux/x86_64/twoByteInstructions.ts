/** Prefixes of Intel's groups 1 to 4 (Intel SDM volume 2, 2.1.1). */
const legacyPrefixes: ReadonlySet<number | undefined> = new Set([
  0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
]);
const twoByteEscape = 0x0f;
const undefinedOpcodes: ReadonlySet<number | undefined> = new Set([0x0b, 0xb9, 0xff]);
const rdssp = { prefix: 0xf3, opcode: 0x1e, extension: 1 } as const;

/** Whether the bytes begin with an instruction that is defined to be undefined: UD2, UD1 or UD0. */
export function isUndefined(bytes: Uint8Array): boolean {
  const at = opcodeAt(bytes);
  return at !== undefined && undefinedOpcodes.has(bytes[at]);
}

/** The length of the RDSSP that the bytes begin with; undefined where it is another instruction. */
export function rdsspLength(bytes: Uint8Array): number | undefined {
  const at = opcodeAt(bytes);
  if (at === undefined || bytes[at] !== rdssp.opcode) return undefined;
  if (!bytes.subarray(0, at).includes(rdssp.prefix)) return undefined;
  const modRm = bytes[at + 1] ?? 0;
  return modRm >> 6 === 3 && ((modRm >> 3) & 7) === rdssp.extension ? at + 2 : undefined;
}

/** Where the byte behind 0F is; undefined where there is no 0F. */
function opcodeAt(bytes: Uint8Array): number | undefined {
  let at = 0;
  while (legacyPrefixes.has(bytes[at])) at++;
  // REX; in other modes those are INC and DEC, which KVM executes.
  if (((bytes[at] ?? 0) & 0xf0) === 0x40) at++;
  return bytes[at] === twoByteEscape ? at + 1 : undefined;
}
