import { REFUSAL_NUMBERS, type Refusal } from "../refusal.ts";
import { PacketWriter } from "../writer.ts";

/** How errors are sent: a number; gdb's `E.text` (`error-message+`); LLDB's number and text (`QEnableErrorStrings`). */
export type ErrorStyle = "number" | "gdb-text" | "lldb-text";

/** The writer of a session's replies. */
export class Reply extends PacketWriter {
  errorStyle: ErrorStyle = "number";

  /** `OK`. */
  ok(): void {
    this.begin().text("OK").end();
  }

  /** The empty packet: we do not know what was asked for. */
  unsupported(): void {
    this.begin().end();
  }

  /** A packet of ASCII text without `# $ } *`. */
  send(text: string): void {
    this.begin().text(text).end();
  }

  /** An error, as the client wants it. */
  refuse(refusal: Refusal): void {
    const number = REFUSAL_NUMBERS[refusal.refused].toString().padStart(2, "0");
    this.begin();
    switch (this.errorStyle) {
      case "number":
        this.text("E").text(number);
        break;
      case "gdb-text":
        this.text("E.").anyText(refusal.detail);
        break;
      case "lldb-text":
        this.text("E").text(number).text(";").hexText(refusal.detail);
        break;
    }
    this.end();
  }
}
