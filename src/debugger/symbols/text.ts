/** The part of TextDecoder that is used, so that neither the browser's nor Node's type is needed. */
export interface Utf8Decoder {
  decode(bytes: Uint8Array): string;
}

/** UTF-8 bytes of a symbol or file name as a string; ill-formed sequences become U+FFFD. */
export function decodeName(bytes: Uint8Array, decoder: Utf8Decoder): string {
  // TextDecoder costs more than the whole loop for the short ASCII names that symbol tables consist of.
  if (bytes.length > 48) return decoder.decode(bytes);
  let name = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return decoder.decode(bytes);
    name += String.fromCharCode(byte);
  }
  return name;
}

/** `0x…` in lower case, for messages. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
