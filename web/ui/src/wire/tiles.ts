/** Arrow tiles decoded to plain arrays that can be handed from the worker to the page. */

import { type RecordBatch, type Vector, tableFromIPC } from "apache-arrow";

import {
  DIAGNOSTICS,
  FIELDS,
  FORECAST_HORIZONS,
  FORECAST_STRIDE,
  FORECAST_VALUES,
  OPTION_FIELDS,
} from "./fields";
import { type Surface, WireError } from "./header";

/** What the decoder must know of the session to turn times and prices into small numbers. */
export interface Geometry {
  /** First window end of the session, nanoseconds UTC. */
  readonly firstWindowEndNs: bigint;
  /** What one tick of the page stands for, a cell of the surface, at 1e-9 dollars. */
  readonly tickInt: number;
  /** Cells of one side of one window of the map. */
  readonly grid: number;
  /** Strikes of one window; 0 without options. */
  readonly strikes: number;
  /** Whether spot is the mid: an equity's spot reference is a bucket far wider than its ticks. */
  readonly spotIsMid: boolean;
}

export interface SnapTile {
  readonly surface: "snap";
  readonly index: Int32Array;
  /** Ticks; NaN where the book has none. */
  readonly mid: Float64Array;
  readonly spot: Float64Array;
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  /** 1 where the book is valid. */
  readonly valid: Uint8Array;
  readonly buyQty: Float64Array;
  readonly sellQty: Float64Array;
}

/** The liquidity surface, or an equity's wide map, which has the same fields in larger cells. */
export interface VelocityTile {
  readonly surface: "velocity";
  readonly index: Int32Array;
  readonly spot: Float64Array;
  readonly valid: Uint8Array;
  /** One array per field of FIELDS: window-major, cell ascending, ask then bid: [n × grid × 2]. */
  readonly fields: Float32Array[];
}

export interface ForecastTile {
  readonly surface: "forecast";
  readonly index: Int32Array;
  /** [n × 6 × 31]: FORECAST_VALUES by horizon; NaN where there is none. */
  readonly values: Float32Array;
  /** [n × 4]: DIAGNOSTICS; NaN where there is none. */
  readonly diagnostics: Float64Array;
}

export interface OptionsTile {
  readonly surface: "options";
  readonly index: Int32Array;
  /** Ticks of the lowest strike; NaN where the window has no options. */
  readonly firstStrike: Float64Array;
  /** One [n × strikes] array per field of OPTION_FIELDS, ascending. */
  readonly fields: Float32Array[];
}

export type Tile = SnapTile | VelocityTile | OptionsTile | ForecastTile;

const SECOND_NS = 1_000_000_000n;
const PRICE_SCALE = 1e9;

/** Undefined prices are the largest int64; every real price is far below it. */
const LARGEST_PRICE_INT = 9_007_199_254_740_991n;

/** Decode the Arrow stream of one surface. */
export function decodeTile(surface: Surface, bytes: Uint8Array, geometry: Geometry): Tile {
  switch (surface) {
    case "snap":
      return decodeSnap(bytes, geometry);
    case "velocity":
    case "wide":
      return decodeVelocity(bytes, geometry);
    case "forecast":
      return decodeForecast(bytes, geometry);
    case "options":
      return decodeOptions(bytes, geometry);
  }
}

/** All buffers of a tile, to be transferred instead of copied. */
export function buffersOf(tile: Tile): ArrayBufferLike[] {
  const arrays = Object.values(tile)
    .flat()
    .filter((value): value is Float32Array => ArrayBuffer.isView(value));
  return arrays.map((array) => array.buffer);
}

function decodeSnap(bytes: Uint8Array, geometry: Geometry): SnapTile {
  const { batches, rows } = open(bytes);
  const tile: SnapTile = {
    surface: "snap",
    index: new Int32Array(rows),
    mid: new Float64Array(rows),
    spot: new Float64Array(rows),
    bid: new Float64Array(rows),
    ask: new Float64Array(rows),
    valid: new Uint8Array(rows),
    buyQty: new Float64Array(rows),
    sellQty: new Float64Array(rows),
  };
  const ticksPerDollar = PRICE_SCALE / geometry.tickInt;
  let at = 0;
  for (const batch of batches) {
    copyIndex(column(batch, "window_end_ts_ns"), tile.index, at, geometry);
    copyTicks(column(batch, "spot_ref_price_int"), tile.spot, at, geometry);
    copyTicks(column(batch, "best_bid_price_int"), tile.bid, at, geometry);
    copyTicks(column(batch, "best_ask_price_int"), tile.ask, at, geometry);
    copyFlags(column(batch, "book_valid"), tile.valid, at);
    copyNumbers(column(batch, "trade_qty_buy"), tile.buyQty, at);
    copyNumbers(column(batch, "trade_qty_sell"), tile.sellQty, at);
    copyNumbers(column(batch, "mid_price"), tile.mid, at);
    at += batch.numRows;
  }
  for (let i = 0; i < rows; i++) tile.mid[i] = tile.mid[i]! * ticksPerDollar;
  if (geometry.spotIsMid) tile.spot.set(tile.mid);
  return tile;
}

function decodeVelocity(bytes: Uint8Array, geometry: Geometry): VelocityTile {
  const { batches, rows } = open(bytes);
  const { grid } = geometry;
  const tile: VelocityTile = {
    surface: "velocity",
    index: new Int32Array(rows),
    spot: new Float64Array(rows),
    valid: new Uint8Array(rows),
    fields: FIELDS.map(() => new Float32Array(rows * grid * 2)),
  };
  let at = 0;
  for (const batch of batches) {
    copyIndex(column(batch, "window_end_ts_ns"), tile.index, at, geometry);
    copyTicks(column(batch, "spot_ref_price_int"), tile.spot, at, geometry);
    copyFlags(column(batch, "window_valid"), tile.valid, at);
    FIELDS.forEach((field, f) => {
      const ask = listValues(column(batch, `${field}_a`), grid, `${field}_a`);
      const bid = listValues(column(batch, `${field}_b`), grid, `${field}_b`);
      interleave(ask, bid, tile.fields[f]!, at * grid * 2);
    });
    at += batch.numRows;
  }
  return tile;
}

function decodeOptions(bytes: Uint8Array, geometry: Geometry): OptionsTile {
  const { batches, rows } = open(bytes);
  const { strikes } = geometry;
  const tile: OptionsTile = {
    surface: "options",
    index: new Int32Array(rows),
    firstStrike: new Float64Array(rows),
    fields: OPTION_FIELDS.map(() => new Float32Array(rows * strikes)),
  };
  let at = 0;
  for (const batch of batches) {
    copyIndex(column(batch, "window_end_ts_ns"), tile.index, at, geometry);
    copyTicks(column(batch, "first_strike_price_int"), tile.firstStrike, at, geometry);
    OPTION_FIELDS.forEach((name, f) => {
      tile.fields[f]!.set(listValues(column(batch, name), strikes, name), at * strikes);
    });
    at += batch.numRows;
  }
  return tile;
}

function decodeForecast(bytes: Uint8Array, geometry: Geometry): ForecastTile {
  const { batches, rows } = open(bytes);
  const tile: ForecastTile = {
    surface: "forecast",
    index: new Int32Array(rows),
    values: new Float32Array(rows * FORECAST_STRIDE),
    diagnostics: new Float64Array(rows * DIAGNOSTICS.length),
  };
  let at = 0;
  for (const batch of batches) {
    copyIndex(column(batch, "window_end_ts_ns"), tile.index, at, geometry);
    DIAGNOSTICS.forEach((name, d) => {
      const values = column(batch, name);
      for (let i = 0; i < batch.numRows; i++) {
        tile.diagnostics[(at + i) * DIAGNOSTICS.length + d] = numberAt(values, i);
      }
    });
    FORECAST_VALUES.forEach((name, v) => {
      const values = listValues(column(batch, name), FORECAST_HORIZONS, name);
      for (let i = 0; i < batch.numRows; i++) {
        const from = i * FORECAST_HORIZONS;
        const to = (at + i) * FORECAST_STRIDE + v * FORECAST_HORIZONS;
        tile.values.set(values.subarray(from, from + FORECAST_HORIZONS), to);
      }
    });
    at += batch.numRows;
  }
  return tile;
}

function open(bytes: Uint8Array): { batches: readonly RecordBatch[]; rows: number } {
  const table = tableFromIPC(bytes);
  return { batches: table.batches, rows: table.numRows };
}

function column(batch: RecordBatch, name: string): Vector {
  const vector = batch.getChild(name);
  if (vector === null) throw new WireError(`a tile lacks the column ${name}`);
  return vector;
}

/** The float32 values of a FixedSizeList column, row after row, nulls as NaN. */
function listValues(vector: Vector, size: number, name: string): Float32Array {
  const data = vector.data[0];
  const child = data?.children[0];
  const values: unknown = child?.values;
  if (data === undefined || child === undefined || !(values instanceof Float32Array)) {
    throw new WireError(`column ${name} holds no lists of float32`);
  }
  if (child.length !== data.length * size) {
    throw new WireError(`column ${name} holds ${child.length} values for ${data.length} rows of ${size}`);
  }
  if (data.nullCount === 0 && child.nullCount === 0) return values.subarray(0, child.length);
  const filled = values.slice(0, child.length);
  for (let row = 0; row < data.length; row++) {
    const rowIsNull = !vector.isValid(row);
    for (let i = row * size; i < (row + 1) * size; i++) {
      if (rowIsNull || !child.getValid(i)) filled[i] = NaN;
    }
  }
  return filled;
}

function interleave(ask: Float32Array, bid: Float32Array, out: Float32Array, at: number): void {
  for (let i = 0, o = at; i < ask.length; i++, o += 2) {
    out[o] = ask[i]!;
    out[o + 1] = bid[i]!;
  }
}

function copyIndex(vector: Vector, out: Int32Array, at: number, geometry: Geometry): void {
  for (let i = 0; i < vector.length; i++) {
    const sinceFirst = (vector.get(i) as bigint) - geometry.firstWindowEndNs;
    if (sinceFirst % SECOND_NS !== 0n) {
      throw new WireError(`window end ${String(vector.get(i))} is not on the session's seconds`);
    }
    out[at + i] = Number(sinceFirst / SECOND_NS);
  }
}

function copyTicks(vector: Vector, out: Float64Array, at: number, geometry: Geometry): void {
  for (let i = 0; i < vector.length; i++) {
    const price = vector.get(i) as bigint | null;
    const known = price !== null && price < LARGEST_PRICE_INT && price > -LARGEST_PRICE_INT;
    out[at + i] = known ? Number(price) / geometry.tickInt : NaN;
  }
}

function copyFlags(vector: Vector, out: Uint8Array, at: number): void {
  for (let i = 0; i < vector.length; i++) out[at + i] = vector.get(i) === true ? 1 : 0;
}

function copyNumbers(vector: Vector, out: Float64Array, at: number): void {
  for (let i = 0; i < vector.length; i++) out[at + i] = numberAt(vector, i);
}

function numberAt(vector: Vector, row: number): number {
  const value = vector.get(row) as number | bigint | null;
  return value === null ? NaN : Number(value);
}
