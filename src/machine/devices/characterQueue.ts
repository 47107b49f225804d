/** A first-in-first-out queue of numbers whose `shift` stays cheap however long it is. */
export class CharacterQueue {
  #items: number[];
  #head = 0;

  constructor(items: readonly number[]) {
    this.#items = [...items];
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: number): void {
    this.#items.push(item);
  }

  shift(): number | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  toArray(): number[] {
    return this.#items.slice(this.#head);
  }
}
