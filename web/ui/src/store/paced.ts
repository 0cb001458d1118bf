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

  /** When the work is due, as change number `change` is the latest; Infinity when it is done. */
  dueMs(change: number): number {
    return change === this.#seen ? Infinity : this.#atMs + this.#intervalMs;
  }

  run(nowMs: number, change: number): void {
    this.#seen = change;
    this.#atMs = nowMs;
    this.#work();
  }
}

/**
 * Do what is due, the longest due first, until `budgetMs` are spent: what is left over is for the
 * next frame. Returns the milliseconds until more is due, Infinity when nothing is left to do.
 */
export function keepUp(all: readonly Paced[], nowMs: number, change: number, budgetMs: number): number {
  const began = performance.now();
  for (;;) {
    let next = all[0];
    for (const paced of all) {
      if (next !== undefined && paced.dueMs(change) < next.dueMs(change)) next = paced;
    }
    const waitMs = next === undefined ? Infinity : next.dueMs(change) - nowMs;
    if (next === undefined || waitMs > 0 || performance.now() - began > budgetMs) return Math.max(0, waitMs);
    next.run(nowMs, change);
  }
}
