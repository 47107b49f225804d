import { type Awaitable, after } from "../awaitable.ts";
import { writeEndReply, writeStopHead } from "../packets/stopReply.ts";
import { writeThreadId } from "../packets/threadId.ts";
import type { RegisterFile } from "../registerFile.ts";
import type { StopEvent, Target } from "../target.ts";
import type { ClientState } from "./client.ts";
import { RegisterBlock } from "./registerBlock.ts";
import type { Reply } from "./reply.ts";

/** Sends stop replies, with the registers that every client asks for anyway. */
export class StopWriter {
  readonly #target: Target;
  readonly #registers: RegisterFile;
  readonly #client: ClientState;
  readonly #reply: Reply;
  readonly #expedited: RegisterBlock;
  readonly #pc: RegisterBlock;

  constructor(target: Target, registers: RegisterFile, client: ClientState, reply: Reply) {
    this.#target = target;
    this.#registers = registers;
    this.#client = client;
    this.#reply = reply;
    this.#expedited = new RegisterBlock(registers.expedited);
    this.#pc = new RegisterBlock([registers.pc]);
  }

  /** Sends the reply for `event`. */
  send(event: StopEvent): Awaitable<void> {
    const reply = this.#reply;
    if (event.kind !== "stopped") {
      reply.begin();
      writeEndReply(reply, event, this.#client.multiprocess);
      reply.end();
      return undefined;
    }
    return after(this.#expedited.read(this.#target, event.thread), () => {
      if (!this.#client.listThreads) return this.#write(event, []);
      return this.#readPcs().then((pcs) => this.#write(event, pcs));
    });
  }

  #write(event: Extract<StopEvent, { readonly kind: "stopped" }>, pcs: readonly string[]): void {
    const reply = this.#reply;
    const client = this.#client;
    reply.begin();
    writeStopHead(reply, event.thread, event.reason, client);
    if (client.listThreads) {
      reply.text("threads:");
      this.#target.threads().forEach((thread, index) => {
        writeThreadId(index > 0 ? reply.text(",") : reply, thread.id, client.multiprocess);
      });
      reply.text(";thread-pcs:").text(pcs.join(",")).text(";");
    }
    const { registers } = this.#expedited;
    for (let index = 0; index < registers.length; index++) {
      const bytes = this.#expedited.bytes(index);
      const regnum = registers[index]?.register.regnum;
      if (bytes !== undefined && regnum !== undefined) {
        reply.hex(regnum).text(":").hexBytes(bytes).text(";");
      }
    }
    reply.end();
  }

  /** The PC of every vCPU, in hex. */
  async #readPcs(): Promise<readonly string[]> {
    const pcs: string[] = [];
    for (const thread of this.#target.threads()) {
      await this.#pc.read(this.#target, thread.id);
      const bytes = this.#pc.bytes(0);
      pcs.push(bytes === undefined ? "0" : this.#registers.valueOf(bytes).toString(16));
    }
    return pcs;
  }
}
