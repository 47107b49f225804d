/** What waits for the guest's UART: bytes and breaks, in order. */
export class InputQueue {
  #items: (Uint8Array | "break")[] = [];
  #length = 0;

  /** How many characters wait. */
  get length(): number {
    return this.#length;
  }

  push(item: Uint8Array | "break"): void {
    if (item.length === 0) return;
    this.#items.push(item);
    this.#length += item === "break" ? 1 : item.length;
  }

  /** The next break, or at most `most` (≥ 1) of the next bytes; undefined if nothing waits. */
  take(most: number): Uint8Array | "break" | undefined {
    const first = this.#items.shift();
    if (first === undefined) return undefined;
    if (first === "break") {
      this.#length -= 1;
      return first;
    }
    const taken = first.subarray(0, most);
    if (taken.length < first.length) this.#items.unshift(first.subarray(most));
    this.#length -= taken.length;
    return taken;
  }
}
