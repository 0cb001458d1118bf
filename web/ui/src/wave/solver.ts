/**
 * The reference solver of the damped wave equation ρ·(ü + σ·u̇) = c²·∇·(κ·∇u), on the processor.
 *
 * Finite volumes in space (face stiffness is the mean of its two cells, the outermost nodes stand
 * for half a cell: neighbours beyond an edge mirror those before it), leapfrog in time with the
 * damping centred: without a source the discrete energy never grows, for any step below the
 * medium's `largestStep`. The state is the displacement u and its difference Δ over the last step,
 * which keeps float32 from drifting. One extra row holds the undisturbed wave, one step ahead: the
 * fading rows pull towards it (see medium.ts). `gl/wave_shaders.ts` holds the same scheme for the
 * graphics card; a browser test compares the two.
 */

import { type Grid, type Medium, gridOf, mediumOf } from "./medium";
import { INITIAL, type Parameters, type Shape } from "./parameters";
import { PlaneWaveSource } from "./source";

/** Share of the largest stable step that is taken. */
const COURANT_SHARE = 0.92;
/** Periods over which the intensity is averaged. */
const INTENSITY_PERIODS = 2;

/** Far below anything seen, and its products are still normal numbers of float32. */
const SMALLEST = 1e-30;

/** Numbers of one step that do not depend on the place. */
export interface StepFactors {
  /** Half the step, seconds: turns damping rates into the scheme's shares. */
  readonly halfStep: number;
  /** (c·step / cell)². */
  readonly courantSquared: number;
  /** 2c·step / cell, which turns the source's difference into what enters at the left edge. */
  readonly entering: number;
  /** Share by which the intensity moves to the newest u². */
  readonly averaging: number;
}

export function factorsOf(parameters: Parameters, cell: number, step: number): StepFactors {
  const courant = (parameters.speed * step) / cell;
  return {
    halfStep: step / 2,
    courantSquared: courant * courant,
    entering: 2 * courant,
    averaging: 1 - Math.exp((-step * parameters.frequency) / INTENSITY_PERIODS),
  };
}

export function stepOf(medium: Medium): number {
  return COURANT_SHARE * medium.largestStep;
}

export interface Statistics {
  /** Seconds since the restart. */
  readonly time: number;
  readonly largest: number;
  /** ½∫ρ·u̇² dA over the domain. */
  readonly kinetic: number;
  /** ½∫κ·c²·|∇u|² dA over the domain. */
  readonly potential: number;
}

export class WaveSolver {
  readonly grid: Grid;
  /** [rows × columns] displacement, its last difference and the running mean of its square. */
  readonly u: Float32Array;
  readonly difference: Float32Array;
  readonly intensity: Float32Array;
  time = 0;

  readonly #source = new PlaneWaveSource();
  /** The undisturbed wave, one step ahead: displacement and its last two differences. */
  readonly #free: Float32Array;
  readonly #freeDifference: Float32Array;
  readonly #freeBefore: Float32Array;
  #parameters: Parameters = INITIAL;
  #medium: Medium;
  #step: number;
  #factors: StepFactors;
  #arriving = 0;

  constructor(columns: number) {
    this.grid = gridOf(columns);
    const cells = this.grid.rows * columns;
    this.u = new Float32Array(cells);
    this.difference = new Float32Array(cells);
    this.intensity = new Float32Array(cells);
    this.#free = new Float32Array(columns);
    this.#freeDifference = new Float32Array(columns);
    this.#freeBefore = new Float32Array(columns);
    this.#medium = mediumOf(INITIAL, "ellipse", this.grid);
    this.#step = stepOf(this.#medium);
    this.#factors = factorsOf(INITIAL, this.grid.cell, this.#step);
  }

  /** Seconds of one step. */
  get step(): number {
    return this.#step;
  }

  /** Go on in another medium; the wave that is there stays. */
  setParameters(parameters: Parameters, shape: Shape): void {
    this.#parameters = parameters;
    this.#medium = mediumOf(parameters, shape, this.grid);
    const step = stepOf(this.#medium);
    const ratio = step / this.#step;
    for (const array of [this.difference, this.#freeDifference, this.#freeBefore]) {
      for (let i = 0; i < array.length; i++) array[i] = array[i]! * ratio;
    }
    this.#step = step;
    this.#factors = factorsOf(parameters, this.grid.cell, step);
  }

  restart(): void {
    for (const array of [this.u, this.difference, this.intensity]) array.fill(0);
    for (const array of [this.#free, this.#freeDifference, this.#freeBefore]) array.fill(0);
    this.#source.restart();
    this.#arriving = 0;
    this.time = 0;
  }

  advance(steps: number): void {
    const { frequency, amplitude } = this.#parameters;
    for (let n = 0; n < steps; n++) {
      const arriving = this.#source.advance(this.#step, frequency, amplitude);
      this.#moveField(this.#arriving * this.#factors.entering);
      this.#moveFree(arriving * this.#factors.entering);
      this.#arriving = arriving;
      this.time += this.#step;
    }
  }

  #moveField(arriving: number): void {
    const { columns, rows } = this.grid;
    const { u, difference, intensity } = this;
    const { inertia, stiffness, damping, fading } = this.#medium;
    const { halfStep, courantSquared, averaging } = this.#factors;
    const freeDifference = this.#freeDifference;
    const freeBefore = this.#freeBefore;
    for (let row = 0; row < rows; row++) {
      const below = row > 0 ? -columns : columns;
      const above = row < rows - 1 ? columns : -columns;
      for (let column = 0; column < columns; column++) {
        const i = row * columns + column;
        const left = column > 0 ? i - 1 : i + 1;
        const right = column < columns - 1 ? i + 1 : i - 1;
        const here = u[i]!;
        const own = stiffness[i]!;
        const flow =
          (own + stiffness[left]!) * (u[left]! - here) +
          (own + stiffness[right]!) * (u[right]! - here) +
          (own + stiffness[i + below]!) * (u[i + below]! - here) +
          (own + stiffness[i + above]!) * (u[i + above]! - here);
        const fade = fading[i]! * halfStep;
        const damp = damping[i]! * halfStep + fade;
        const push =
          (0.5 * courantSquared * flow) / inertia[i]! +
          fade * (freeDifference[column]! + freeBefore[column]!) +
          (column === 0 ? arriving : 0);
        difference[i] = flushed(((1 - damp) * difference[i]! + push) / (1 + damp));
      }
    }
    for (let i = 0; i < u.length; i++) {
      const moved = flushed(u[i]! + difference[i]!);
      u[i] = moved;
      intensity[i] = flushed(intensity[i]! + averaging * (moved * moved - intensity[i]!));
    }
  }

  #moveFree(arriving: number): void {
    const { columns, rows } = this.grid;
    const { damping } = this.#medium;
    const { halfStep, courantSquared } = this.#factors;
    const free = this.#free;
    const difference = this.#freeDifference;
    this.#freeBefore.set(difference);
    for (let column = 0; column < columns; column++) {
      const here = free[column]!;
      const left = free[column > 0 ? column - 1 : column + 1]!;
      const right = free[column < columns - 1 ? column + 1 : column - 1]!;
      const damp = damping[rows * columns + column]! * halfStep;
      const push = courantSquared * (left - here + (right - here)) + (column === 0 ? arriving : 0);
      difference[column] = flushed(((1 - damp) * difference[column]! + push) / (1 + damp));
    }
    for (let column = 0; column < columns; column++) {
      free[column] = flushed(free[column]! + difference[column]!);
    }
  }

  /** Statistics of the domain; with `everywhere` of the fading rows too, whose energy sums up. */
  statistics(everywhere = false): Statistics {
    const { columns, rows, pad, cell } = this.grid;
    const { u, difference } = this;
    const { inertia, stiffness } = this.#medium;
    const from = everywhere ? 0 : pad;
    const to = everywhere ? rows : rows - pad;
    let largest = 0;
    let kinetic = 0;
    let potential = 0;
    for (let row = from; row < to; row++) {
      const tall = row === 0 || row === rows - 1 ? 0.5 : 1;
      for (let column = 0; column < columns; column++) {
        const wide = column === 0 || column === columns - 1 ? 0.5 : 1;
        const i = row * columns + column;
        const here = u[i]!;
        const own = stiffness[i]!;
        largest = Math.max(largest, Math.abs(here));
        kinetic += wide * tall * inertia[i]! * difference[i]! ** 2;
        // The leapfrog keeps the product of two neighbouring times, not the square of one.
        if (column < columns - 1) potential += tall * this.#stretch(i, i + 1, own);
        if (row < to - 1) potential += wide * this.#stretch(i, i + columns, own);
      }
    }
    const { speed } = this.#parameters;
    return {
      time: this.time,
      largest,
      kinetic: (0.5 * kinetic * cell * cell) / this.#step ** 2,
      potential: 0.5 * potential * speed * speed,
    };
  }

  #stretch(i: number, next: number, own: number): number {
    const now = this.u[next]! - this.u[i]!;
    const before = now - (this.difference[next]! - this.difference[i]!);
    return 0.5 * (own + this.#medium.stiffness[next]!) * now * before;
  }
}

/** Zero for what float32 could only hold denormalised: a hundred times slower to compute with. */
function flushed(value: number): number {
  return value < SMALLEST && value > -SMALLEST ? 0 : value;
}
