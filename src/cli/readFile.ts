import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UserError } from "./userError.ts";

const CHUNK = 1 << 20;

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "it is a directory, not a file",
  EACCES: "not allowed to read it",
  ENOTDIR: "a part of its path is not a directory",
  ELOOP: "its symbolic links go in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOSPC: "no room left on the disk",
  EROFS: "the file system is read-only",
};

/** Node's error code, if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What went wrong with a file, in words. */
export function fileProblem(error: unknown): string {
  const code = errorCode(error);
  if (code === undefined) throw error;
  return PROBLEMS[code] ?? `it cannot be used (${code})`;
}

/**
 * Reads a whole file, also one whose size is not known beforehand (a pipe).
 * @param what as the user knows it: "image", "--initrd"
 * @param limit the most bytes
 * @throws UserError naming the file
 */
export function readInput(what: string, path: string, limit: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      // A file that says its size is read at once, and once more to see that it has ended.
      let room = Math.min(fstatSync(file).size, limit + 1) || CHUNK;
      for (;;) {
        const chunk = new Uint8Array(room);
        const count = readSync(file, chunk);
        if (count === 0) break;
        length += count;
        room = CHUNK;
        if (length > limit) {
          throw new UserError(
            `${what} ${path}: it has more than ${limit} bytes, which is all the guest's memory`,
          );
        }
        chunks.push(chunk.subarray(0, count));
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${what} ${path}: ${fileProblem(error)}`);
  }
  const [only, ...others] = chunks;
  if (only !== undefined && others.length === 0) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
