/** Something to put into a cpio archive. Paths are relative, without a leading slash; parents must come before children. */
export type CpioEntry =
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly bytes: Uint8Array;
      readonly executable?: boolean;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "device"; readonly path: string; readonly major: number; readonly minor: number };

const encoder = new TextEncoder();
const HEADER_BYTES = 110;
const TRAILER = "TRAILER!!!";

// stat.h
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

const roundUpTo4 = (n: number): number => (n + 3) & ~3;

type Member = { name: string; mode: number; links: number; body: Uint8Array; major: number; minor: number };

function memberOf(entry: CpioEntry): Member {
  const plain = { name: entry.path, links: 1, body: new Uint8Array(), major: 0, minor: 0 };
  switch (entry.kind) {
    case "directory":
      return { ...plain, mode: S_IFDIR | 0o755, links: 2 };
    case "file":
      return { ...plain, mode: S_IFREG | (entry.executable === true ? 0o755 : 0o644), body: entry.bytes };
    case "link":
      return { ...plain, mode: S_IFLNK | 0o777, body: encoder.encode(entry.target) };
    case "device":
      return { ...plain, mode: S_IFCHR | 0o600, major: entry.major, minor: entry.minor };
  }
}

/**
 * Write a cpio archive in the "newc" format that Linux unpacks as an initramfs
 * (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
 * The bytes depend on the entries alone: every time stamp and owner is zero, inode numbers count from 1.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const trailer: Member = { name: TRAILER, mode: 0, links: 1, body: new Uint8Array(), major: 0, minor: 0 };
  const members = [...entries.map(memberOf), trailer].map((member) => ({
    ...member,
    nameBytes: encoder.encode(`${member.name}\0`),
  }));
  const size = members.reduce(
    (sum, { nameBytes, body }) => sum + roundUpTo4(HEADER_BYTES + nameBytes.length) + roundUpTo4(body.length),
    0,
  );
  const archive = new Uint8Array(size);
  let at = 0;
  members.forEach(({ nameBytes, mode, links, body, major, minor }, index) => {
    const inode = nameBytes.length === TRAILER.length + 1 && mode === 0 ? 0 : index + 1;
    const fields = [inode, mode, 0, 0, links, 0, body.length, 0, 0, major, minor, nameBytes.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    archive.set(encoder.encode(header), at);
    archive.set(nameBytes, at + HEADER_BYTES);
    at += roundUpTo4(HEADER_BYTES + nameBytes.length);
    archive.set(body, at);
    at += roundUpTo4(body.length);
  });
  return archive;
}
