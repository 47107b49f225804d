/** What came from a terminal: bytes for the guest, or a command to us. */
export type KeyboardEvent =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "break" }
  | { readonly kind: "help" }
  | { readonly kind: "quit" };

const CONTROL_A = 0x01;

/** The keys after Ctrl-A, as in QEMU. */
const COMMANDS: ReadonlyMap<string, Exclude<KeyboardEvent["kind"], "data">> = new Map([
  ["x", "quit"],
  ["h", "help"],
  ["?", "help"],
  ["b", "break"],
]);

/** What Ctrl-A H prints. */
export const KEYBOARD_HELP = [
  "Ctrl-A H   this help",
  "Ctrl-A X   quit",
  "Ctrl-A B   send a break (Linux: SysRq)",
  "Ctrl-A Ctrl-A   send Ctrl-A",
].join("\n");

/** Takes the commands that begin with Ctrl-A out of what is typed. Keeps its place between chunks. */
export class Keyboard {
  #escaped = false;

  /** The events in a chunk, in order. An unknown command is dropped. */
  feed(chunk: Uint8Array): KeyboardEvent[] {
    const events: KeyboardEvent[] = [];
    let data: number[] = [];
    const endData = (): void => {
      if (data.length > 0) events.push({ kind: "data", bytes: new Uint8Array(data) });
      data = [];
    };
    for (const byte of chunk) {
      if (!this.#escaped) {
        if (byte === CONTROL_A) this.#escaped = true;
        else data.push(byte);
        continue;
      }
      this.#escaped = false;
      if (byte === CONTROL_A) {
        data.push(byte);
        continue;
      }
      const command = COMMANDS.get(String.fromCharCode(byte).toLowerCase());
      if (command === undefined) continue;
      endData();
      events.push({ kind: command });
    }
    endData();
    return events;
  }
}
