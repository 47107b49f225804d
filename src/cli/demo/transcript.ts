import { createInterface } from "node:readline/promises";

const styles = { plain: "", bold: "\x1b[1m", dim: "\x1b[2m", guest: "\x1b[32m", found: "\x1b[33m" } as const;
type Style = keyof typeof styles;

/** Prints the demo: what the guest says is marked by a bar, what is done to it by a >, the rest is ours. */
export class Transcript {
  readonly #colours: boolean;
  readonly #pauses: boolean;
  #guestLine = "";
  #scene = 0;

  constructor(options: { readonly colours: boolean; readonly pauses: boolean }) {
    this.#colours = options.colours;
    this.#pauses = options.pauses;
  }

  /** A byte of the guest's console. */
  readonly transmit = (byte: number): void => {
    if (byte === 0x0d) return;
    if (byte !== 0x0a) {
      this.#guestLine += String.fromCharCode(byte);
      return;
    }
    this.#line(`  guest | ${this.#guestLine}`, "guest");
    this.#guestLine = "";
  };

  /** Begins a scene; with someone at the terminal, after Enter. */
  async scene(title: string): Promise<void> {
    if (this.#scene > 0 && this.#pauses) await this.#pause();
    this.#scene += 1;
    this.#line(`\n${this.#scene}. ${title}`, "bold");
  }

  /** What we say about it. */
  say(text: string): void {
    this.#line(text, "plain");
  }

  /** What is done next. */
  command(text: string): void {
    this.#line(`> ${text}`, "bold");
  }

  /** Results, indented. */
  show(lines: readonly string[]): void {
    for (const line of lines) this.#line(`  ${line}`, "dim");
  }

  /** The line that matters. */
  found(text: string): void {
    this.#line(text, "found");
  }

  #line(text: string, style: Style): void {
    const begin = this.#colours ? styles[style] : "";
    process.stdout.write(`${begin}${text}${begin === "" ? "" : "\x1b[0m"}\n`);
  }

  async #pause(): Promise<void> {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const left = new Promise<never>((_, reject) => terminal.once("close", () => reject(new DemoLeft())));
    try {
      await Promise.race([terminal.question("\n-- Enter to go on, Ctrl-C to leave --"), left]);
    } finally {
      left.catch(() => {});
      terminal.close();
    }
  }
}

/** The user has left in the middle. */
export class DemoLeft extends Error {
  override readonly name = "DemoLeft";
}
