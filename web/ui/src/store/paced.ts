/** Work that follows changes, but not in every frame; the last change is never left out. */

export class Paced {
  readonly #intervalMs: number;
  readonly #work: () => void;
  #seen = -1;
  #atMs = -Infinity;

  constructor(intervalMs: number, work: () => void) {
    this.#intervalMs = intervalMs;
    this.#work = work;
  }

  /** Forget when the work was last done: it is due at the next change. */
  hurry(): void {
    this.#atMs = -Infinity;
  }

  /**
   * Do the work if change number `change` is new and the interval is over. Returns the
   * milliseconds after which to ask again, Infinity when nothing is left to do.
   */
  poll(nowMs: number, change: number): number {
    if (change === this.#seen) return Infinity;
    const waitMs = this.#atMs + this.#intervalMs - nowMs;
    if (waitMs > 0) return waitMs;
    this.#seen = change;
    this.#atMs = nowMs;
    this.#work();
    return Infinity;
  }
}
