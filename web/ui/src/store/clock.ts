/** The playhead: a smooth position, in windows, that follows the windows as they arrive. */

/** Beyond this distance the playhead jumps instead of catching up. */
const JUMP_WINDOWS = 90;
/** Share of the surplus that is caught up in a second. */
const CATCH_UP_PER_SECOND = 2;

export class PlaybackClock {
  playing = false;
  speed = 1;
  /** Moves from window to window without glides: for reduced motion. */
  stepwise = false;
  /** Newest window that may be drawn; NaN before the first one. */
  latest = NaN;
  /** Time of the NOW line in windows; NaN before the first window. */
  position = NaN;

  /** Forget everything but speed and mode. */
  clear(): void {
    this.playing = false;
    this.latest = NaN;
    this.position = NaN;
  }

  /** A new epoch begins: the next window sets the position, wherever it lies. */
  rebase(): void {
    this.latest = NaN;
  }

  /** Window `index` can be drawn from now on. */
  arrive(index: number): void {
    if (Number.isNaN(this.latest)) {
      this.latest = index;
      const distance = index - this.position;
      const continues = this.playing && distance >= 0 && distance <= 2;
      if (!continues) this.position = index;
      return;
    }
    if (index > this.latest) this.latest = index;
  }

  /** Let `seconds` pass; true when the position moved. */
  advance(seconds: number): boolean {
    if (Number.isNaN(this.latest) || this.position === this.latest) return false;
    const before = this.position;
    if (!this.playing || this.stepwise) {
      this.position = this.latest;
      return true;
    }
    const lag = this.latest - this.position;
    if (lag > JUMP_WINDOWS || lag < 0) {
      this.position = this.latest;
      return true;
    }
    const surplus = Math.max(0, lag - this.#allowedLag());
    const step = (this.speed + surplus * CATCH_UP_PER_SECOND) * seconds;
    this.position = Math.min(this.latest, this.position + step);
    return this.position !== before;
  }

  /** Be where playback is by now: for a page that was not drawn for a while. */
  catchUp(): void {
    if (!Number.isNaN(this.latest)) this.position = this.latest;
  }

  /** Newest window whose end lies at or before the playhead. */
  get window(): number {
    return Math.floor(this.position + 1e-9);
  }

  /** One window, because windows arrive whole, and a tenth of a second of jitter. */
  #allowedLag(): number {
    return 1 + 0.1 * this.speed;
  }
}
