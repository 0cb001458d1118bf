/** One animation loop for the page: it draws what is dirty and rests when nothing is. */

import { type Paced, keepUp } from "../store/paced";

/** What must be drawn again; each level includes the ones before it. */
export const CLEAN = 0;
export const CURSOR = 1;
export const AXES = 2;
export const ALL = 3;

/** A tab that was hidden does not catch up with more than this in one frame. */
const LONGEST_FRAME_S = 0.5;
/** Paced work that is due at once is spread over frames when it takes longer than this. */
const PACED_BUDGET_MS = 1;
/** Share of the newest frame in the frame time that is shown. */
const FRAME_SMOOTHING = 0.08;

export interface Drawing {
  /** Let time pass; true when the picture changed by it. */
  advance: (seconds: number) => boolean;
  /** Whether time changes the picture even if it did not in this frame. */
  isRunning: () => boolean;
  /** Whether there is anything that paced work could work on. */
  isReady: () => boolean;
  drawAll: () => void;
  drawAxes: () => void;
  drawCursor: () => void;
}

export class FrameLoop {
  /** Time of the page's own work in a frame, milliseconds, smoothed. */
  frameMs = 0;

  readonly #drawing: Drawing;
  readonly #paced: readonly Paced[];
  #dirty: number = CLEAN;
  /** Number of the latest change of data or view. */
  #change = 0;
  #scheduled = false;
  #lastMs = NaN;
  #lateTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(drawing: Drawing, paced: readonly Paced[]) {
    this.#drawing = drawing;
    this.#paced = paced;
  }

  /** Draw in the next frame; all but CURSOR also tells paced work that something changed. */
  invalidate(level: typeof CURSOR | typeof AXES | typeof ALL): void {
    this.#dirty = Math.max(this.#dirty, level);
    if (level >= AXES) this.#change += 1;
    this.#schedule();
  }

  /** Something changed that is not drawn: only paced work is told. */
  touch(): void {
    this.#change += 1;
    this.#schedule();
  }

  /** Draw in this frame what paced work changed, without counting it as a change. */
  redraw(): void {
    this.#dirty = ALL;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(this.#frame);
  }

  readonly #frame = (nowMs: number): void => {
    this.#scheduled = false;
    const rested = Number.isNaN(this.#lastMs);
    const seconds = rested ? 0 : Math.min(LONGEST_FRAME_S, (nowMs - this.#lastMs) / 1000);
    this.#lastMs = nowMs;
    const began = performance.now();
    const moved = this.#drawing.advance(seconds);
    if (moved) {
      this.#dirty = ALL;
      this.#change += 1;
    }
    const goesOn = moved || this.#drawing.isRunning();
    if (this.#drawing.isReady()) this.#keepUp(nowMs, goesOn);
    if (this.#dirty === ALL) this.#drawing.drawAll();
    else if (this.#dirty === AXES) this.#drawing.drawAxes();
    else if (this.#dirty === CURSOR) this.#drawing.drawCursor();
    this.#dirty = CLEAN;
    this.frameMs += (performance.now() - began - this.frameMs) * FRAME_SMOOTHING;
    // A still picture needs no frames: the next tile, key or pointer asks for one.
    if (goesOn) this.#schedule();
    else this.#lastMs = NaN;
  };

  /** Do what is due of the paced work; a frame comes later for what is not. */
  #keepUp(nowMs: number, goesOn: boolean): void {
    const waitMs = keepUp(this.#paced, nowMs, this.#change, PACED_BUDGET_MS);
    clearTimeout(this.#lateTimer);
    if (goesOn || waitMs === Infinity) return;
    this.#lateTimer = setTimeout(() => {
      this.#schedule();
    }, waitMs);
  }
}
