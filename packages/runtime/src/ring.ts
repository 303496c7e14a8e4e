/** A queue in a ring: push at the end, shift from the front, both O(1) without garbage. */
export class Ring<T> {
  #items: (T | undefined)[] = new Array(64);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length++) & (this.#items.length - 1)] = item;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length--;
    return item;
  }

  #grow(): void {
    const size = this.#items.length;
    const larger: (T | undefined)[] = new Array(size * 2);
    for (let n = 0; n < size; n++) larger[n] = this.#items[(this.#head + n) & (size - 1)];
    this.#items = larger;
    this.#head = 0;
  }
}
