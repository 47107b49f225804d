import { BootImageError } from "./bootError.ts";
import type { PlainImage } from "./bootImage.ts";
import { classifyImage } from "./classify.ts";

/**
 * Recognizes a guest image and unpacks it if it is compressed.
 * @param limit the most bytes it may unpack to: the guest's memory.
 * @throws BootImageError as `classifyImage`, or if the compressed data is damaged or unpacks to more.
 */
export async function openImage(bytes: Uint8Array, limit: number): Promise<PlainImage> {
  const image = classifyImage(bytes);
  if (image.kind !== "compressed") return image;
  const inner = classifyImage(await gunzip(image.payload, image.container, limit));
  if (inner.kind === "compressed") {
    throw new BootImageError(`the ${image.container} image holds another compressed image; unpack it first`);
  }
  return inner;
}

/**
 * What is in a gzip file. @param container what it is called in errors @param limit the most bytes
 * @throws BootImageError if it is damaged or unpacks to more
 */
export async function gunzip(payload: Uint8Array, container: string, limit: number): Promise<Uint8Array> {
  const source = new Blob([payload as Uint8Array<ArrayBuffer>]).stream();
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((reason: unknown) => {
      const why = reason instanceof Error ? reason.message : String(reason);
      throw new BootImageError(`the ${container} image is damaged or cut off: ${why}`);
    });
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw new BootImageError(
        `the ${container} image unpacks to more than the ${limit} bytes of guest memory`,
      );
    }
    chunks.push(value);
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
