/** The windows the page holds: a ring of rows, one per window, addressed by window index. */

import { DIAGNOSTICS, FIELDS, FORECAST_STRIDE, OPTION_FIELDS } from "../wire/fields";
import type { Cells } from "../wire/session";
import type { ForecastTile, OptionsTile, SnapTile, Tile, VelocityTile } from "../wire/tiles";

/** 34 minutes of windows, time-major; a power of two so that a row is a mask away. */
export const RING_CAPACITY = 2048;

export const HAS_SNAP = 1;
export const HAS_VELOCITY = 2;
export const HAS_FORECAST = 4;
export const HAS_OPTIONS = 8;

const NO_WINDOW = -1;
/** Every window is written once for each of them. */
const SURFACES_LOGGED = 4;

export class SessionRing {
  readonly capacity: number;
  /** Cells of one side of one window, and the height of one in ticks. */
  readonly grid: number;
  readonly cellTicks: number;
  /** Strikes of a window; 0 without options. */
  readonly strikes: number;
  /** Window index held by each row, or -1. */
  readonly owner: Int32Array;
  readonly present: Uint8Array;
  /** Ticks; NaN where unknown. `center` is the cell that the velocity row is relative to. */
  readonly center: Float64Array;
  readonly spot: Float64Array;
  readonly mid: Float64Array;
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  readonly buyQty: Float64Array;
  readonly sellQty: Float64Array;
  readonly valid: Uint8Array;
  /** One [capacity × grid × 2] array per field of FIELDS. */
  readonly fields: readonly Float32Array[];
  /** Lowest strike of a row, ticks; NaN where the window has no options. */
  readonly firstStrike: Float64Array;
  /** One [capacity × strikes] array per field of OPTION_FIELDS. */
  readonly options: readonly Float32Array[];
  readonly forecast: Float32Array;
  readonly diagnostics: Float64Array;

  /** What a window must have to be held; a session without a surface has prices alone. */
  readonly #whole: number;
  readonly #mask: number;
  readonly #logRow: Int32Array;
  readonly #logSurface: Uint8Array;
  #written = 0;

  constructor(
    { grid, ticks }: Cells,
    strikes: number,
    hasSurface: boolean,
    capacity = RING_CAPACITY,
  ) {
    if (capacity <= 0 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`ring capacity ${capacity} is not a power of two`);
    }
    this.capacity = capacity;
    this.grid = grid;
    this.cellTicks = ticks;
    this.strikes = strikes;
    this.#whole = hasSurface ? HAS_SNAP | HAS_VELOCITY : HAS_SNAP;
    this.#mask = capacity - 1;
    this.#logRow = new Int32Array(capacity * SURFACES_LOGGED);
    this.#logSurface = new Uint8Array(capacity * SURFACES_LOGGED);
    this.owner = new Int32Array(capacity).fill(NO_WINDOW);
    this.present = new Uint8Array(capacity);
    this.center = new Float64Array(capacity);
    this.spot = new Float64Array(capacity);
    this.mid = new Float64Array(capacity);
    this.bid = new Float64Array(capacity);
    this.ask = new Float64Array(capacity);
    this.buyQty = new Float64Array(capacity);
    this.sellQty = new Float64Array(capacity);
    this.valid = new Uint8Array(capacity);
    this.fields = FIELDS.map(() => new Float32Array(capacity * grid * 2));
    this.firstStrike = new Float64Array(capacity);
    this.options = OPTION_FIELDS.map(() => new Float32Array(capacity * strikes));
    this.forecast = new Float32Array(capacity * FORECAST_STRIDE);
    this.diagnostics = new Float64Array(capacity * DIAGNOSTICS.length);
  }

  row(index: number): number {
    return index & this.#mask;
  }

  /** Whether window `index` is held: with all surfaces of `bits`, else with what can be drawn. */
  has(index: number, bits = this.#whole): boolean {
    const row = index & this.#mask;
    return this.owner[row] === index && (this.present[row]! & bits) === bits;
  }

  /** Count of row writes so far; see `writtenRow`. */
  get written(): number {
    return this.#written;
  }

  /** How many of the last writes are remembered. */
  get remembered(): number {
    return this.#logRow.length;
  }

  /** Row of write number `n`, which must be one of the last `remembered` writes. */
  writtenRow(n: number): number {
    return this.#logRow[n & (this.#logRow.length - 1)]!;
  }

  /** Which surface write number `n` brought: HAS_SNAP, HAS_VELOCITY, HAS_FORECAST or HAS_OPTIONS. */
  writtenSurface(n: number): number {
    return this.#logSurface[n & (this.#logRow.length - 1)]!;
  }

  put(tile: Tile): void {
    switch (tile.surface) {
      case "snap":
        this.#putSnap(tile);
        return;
      case "velocity":
        this.#putVelocity(tile);
        return;
      case "options":
        this.#putOptions(tile);
        return;
      case "forecast":
        this.#putForecast(tile);
    }
  }

  #putSnap(tile: SnapTile): void {
    for (let i = 0; i < tile.index.length; i++) {
      const row = this.#claim(tile.index[i]!, HAS_SNAP);
      this.spot[row] = tile.spot[i]!;
      this.mid[row] = tile.mid[i]!;
      this.bid[row] = tile.bid[i]!;
      this.ask[row] = tile.ask[i]!;
      this.buyQty[row] = tile.buyQty[i]!;
      this.sellQty[row] = tile.sellQty[i]!;
      if (tile.valid[i] === 0) this.valid[row] = 0;
    }
  }

  #putVelocity(tile: VelocityTile): void {
    const stride = this.grid * 2;
    for (let i = 0; i < tile.index.length; i++) {
      const row = this.#claim(tile.index[i]!, HAS_VELOCITY);
      // The middle cell is the one that spot lies in: the nearest, ties upwards.
      this.center[row] = Math.floor(tile.spot[i]! + 0.5);
      for (let f = 0; f < this.fields.length; f++) {
        const source = tile.fields[f]!.subarray(i * stride, (i + 1) * stride);
        this.fields[f]!.set(source, row * stride);
      }
      if (tile.valid[i] === 0) this.valid[row] = 0;
    }
  }

  #putOptions(tile: OptionsTile): void {
    for (let i = 0; i < tile.index.length; i++) {
      const row = this.#claim(tile.index[i]!, HAS_OPTIONS);
      this.firstStrike[row] = tile.firstStrike[i]!;
      for (let f = 0; f < this.options.length; f++) {
        const source = tile.fields[f]!.subarray(i * this.strikes, (i + 1) * this.strikes);
        this.options[f]!.set(source, row * this.strikes);
      }
    }
  }

  #putForecast(tile: ForecastTile): void {
    const diagnostics = DIAGNOSTICS.length;
    for (let i = 0; i < tile.index.length; i++) {
      const row = this.#claim(tile.index[i]!, HAS_FORECAST);
      this.forecast.set(
        tile.values.subarray(i * FORECAST_STRIDE, (i + 1) * FORECAST_STRIDE),
        row * FORECAST_STRIDE,
      );
      this.diagnostics.set(
        tile.diagnostics.subarray(i * diagnostics, (i + 1) * diagnostics),
        row * diagnostics,
      );
    }
  }

  #claim(index: number, bit: number): number {
    const row = index & this.#mask;
    if (this.owner[row] !== index) {
      this.owner[row] = index;
      this.present[row] = 0;
      this.valid[row] = 1;
      this.center[row] = this.spot[row] = this.mid[row] = this.bid[row] = this.ask[row] = NaN;
      this.firstStrike[row] = NaN;
      this.buyQty[row] = this.sellQty[row] = 0;
    }
    this.present[row] = this.present[row]! | bit;
    const at = this.#written & (this.#logRow.length - 1);
    this.#logRow[at] = row;
    this.#logSurface[at] = bit;
    this.#written += 1;
    return row;
  }
}
