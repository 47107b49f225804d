import type { KvmExit, X86Exit } from "../../kvm/exits.ts";
import type { ScheduledEvent } from "../../machine/device.ts";
import type { InputSource } from "./inputSource.ts";
import type { Listening, RunnableGuest } from "./runnable.ts";

/** Brings input to the guest's UART once it listens, as much as it takes. */
export class ConsoleInput {
  readonly #guest: RunnableGuest;
  readonly #source: InputSource;
  readonly #watch: Listening;
  #beginning: ScheduledEvent | undefined;

  constructor(guest: RunnableGuest, source: InputSource) {
    this.#guest = guest;
    this.#watch = guest.listening;
    this.#source = source;
    // Who sits at a terminal sees when the guest listens, and may want to stop a boot loader before.
    if (source.interactive) this.#watch.assume();
  }

  /** Something may still come that the guest has room for. */
  get open(): boolean {
    return this.#source.open && (this.#source.interactive || this.#guest.uart.receiveRoom > 0);
  }

  observe(exit: KvmExit | X86Exit): void {
    const news = this.#watch.observe(exit);
    if (news === undefined) return;
    this.#beginning?.cancel();
    if (news === "not after all") return;
    const { timeline } = this.#guest;
    this.#beginning = timeline.at(timeline.now() + news.listensIn, () => {
      this.#watch.assume();
      this.deliver();
    });
  }

  /** Delivers at the next instruction boundary: at the same point of virtual time in every run. */
  soon(): void {
    const { timeline } = this.#guest;
    timeline.at(timeline.now(), () => this.deliver());
  }

  /** @returns whether the guest got anything */
  deliver(): boolean {
    if (!this.#watch.listening) return false;
    const { uart } = this.#guest;
    let delivered = false;
    for (;;) {
      const room = uart.receiveRoom;
      const next = room === 0 ? undefined : this.#source.take(room);
      if (next === undefined) return delivered;
      if (next === "break") uart.receiveBreak();
      else uart.receive(next);
      delivered = true;
    }
  }

  /** The guest waits for ever: gives it what it did not listen for. @returns whether there was anything */
  deliverAnyway(): boolean {
    this.#watch.assume();
    return this.deliver();
  }

  /** The guest starts anew. */
  reset(): void {
    if (this.#source.interactive) return;
    this.#beginning?.cancel();
    this.#watch.reset();
  }
}
