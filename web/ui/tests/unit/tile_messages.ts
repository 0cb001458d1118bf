/** Tile messages made with the Arrow library, as the service lays them out. */

import {
  Bool,
  Field,
  FixedSizeList,
  Float32,
  Int64,
  type Vector,
  makeData,
  makeVector,
  tableToIPC,
  vectorFromArray,
  Table,
} from "apache-arrow";

import {
  DIAGNOSTICS,
  FIELDS,
  FORECAST_HORIZONS,
  FORECAST_VALUES,
  OPTION_FIELDS,
} from "../../src/wire/fields";
import { TILE_HEADER_BYTES, TILE_MAGIC } from "../../src/wire/header";

/** As for ES: the strikes of one window. */
export const STRIKES = 21;
export const TICK_INT = 250_000_000;
export const FIRST_END_NS = 1_769_697_000_000_000_000n;
export const SECOND_NS = 1_000_000_000n;
export const UNDEFINED_PRICE = 9_223_372_036_854_775_807n;

export function endNs(index: number): bigint {
  return FIRST_END_NS + BigInt(index) * SECOND_NS;
}

export function lists(rows: readonly Float32Array[], size: number): Vector {
  const values = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    values.set(row, i * size);
  });
  const child = makeData({ type: new Float32(), data: values });
  const type = new FixedSizeList(size, new Field("item", new Float32(), false));
  return makeVector(makeData({ type, length: rows.length, nullCount: 0, child }));
}

export function ints(values: readonly (bigint | null)[]): Vector {
  return vectorFromArray([...values], new Int64());
}

/** Cell `c` of layer `f` in window `index` is index + f/10 + c/1000, negated on the bid side. */
export function cellValue(index: number, field: number, cell: number): number {
  return Math.fround(index + field / 10 + cell / 1000);
}

export function velocityBody(indices: readonly number[], grid: number): Uint8Array {
  const columns: Record<string, Vector> = {
    window_end_ts_ns: ints(indices.map(endNs)),
    spot_ref_price_int: ints(indices.map((index) => BigInt(24_000 + index) * BigInt(TICK_INT))),
    window_valid: vectorFromArray(indices.map((index) => index % 5 !== 4), new Bool()),
  };
  FIELDS.forEach((name, f) => {
    const side = (sign: number): Vector =>
      lists(
        indices.map((index) => Float32Array.from({ length: grid }, (_, c) => sign * cellValue(index, f, c))),
        grid,
      );
    columns[`${name}_a`] = side(1);
    columns[`${name}_b`] = side(-1);
  });
  return tableToIPC(new Table(columns), "stream");
}

export function snapBody(rows: readonly { index: number; bid: bigint | null }[]): Uint8Array {
  const numbers = (value: (index: number) => number | null): Vector =>
    vectorFromArray(rows.map(({ index }) => value(index)));
  return tableToIPC(
    new Table({
      window_end_ts_ns: ints(rows.map(({ index }) => endNs(index))),
      mid_price: numbers((index) => (index === 3 ? null : 6000.125)),
      spot_ref_price_int: ints(rows.map(() => 6000_000_000_000n)),
      book_valid: vectorFromArray(rows.map(({ bid }) => bid !== null), new Bool()),
      best_bid_price_int: ints(rows.map(({ bid }) => bid)),
      best_ask_price_int: ints(rows.map(() => 6000_250_000_000n)),
      trade_qty_buy: ints(rows.map(({ index }) => BigInt(index))),
      trade_qty_sell: ints(rows.map(() => 7n)),
    }),
    "stream",
  );
}

export function forecastBody(indices: readonly number[]): Uint8Array {
  const columns: Record<string, Vector> = { window_end_ts_ns: ints(indices.map(endNs)) };
  DIAGNOSTICS.forEach((name, d) => {
    columns[name] = vectorFromArray(indices.map((index) => (index === 2 ? null : index + d / 4)));
  });
  FORECAST_VALUES.forEach((name, v) => {
    columns[name] = lists(
      indices.map((index) =>
        Float32Array.from({ length: FORECAST_HORIZONS }, (_, h) => (h === 0 ? NaN : index + v + h / 32)),
      ),
      FORECAST_HORIZONS,
    );
  });
  return tableToIPC(new Table(columns), "stream");
}

/** A window without options. */
export const HOLE = 9;

/** Strike `k` of layer `f` in window `index` is index + f/10 + k/100. */
export function optionsBody(indices: readonly number[]): Uint8Array {
  const first = (index: number): bigint | null =>
    index === HOLE ? null : BigInt(23_800 + index) * BigInt(TICK_INT);
  const columns: Record<string, Vector> = {
    window_end_ts_ns: ints(indices.map(endNs)),
    spot_ref_price_int: ints(indices.map(() => BigInt(24_000) * BigInt(TICK_INT))),
    first_strike_price_int: ints(indices.map(first)),
  };
  OPTION_FIELDS.forEach((name, f) => {
    columns[name] = lists(
      indices.map((index) => Float32Array.from({ length: STRIKES }, (_, k) => index + f / 10 + k / 100)),
      STRIKES,
    );
  });
  return tableToIPC(new Table(columns), "stream");
}

export function message(
  surface: number,
  body: Uint8Array,
  header: Partial<{ magic: number; version: number; epoch: number; seq: number; count: number }> = {},
): ArrayBuffer {
  const bytes = new Uint8Array(TILE_HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, header.magic ?? TILE_MAGIC, true);
  view.setUint16(4, header.version ?? 1, true);
  view.setUint16(6, surface, true);
  view.setUint32(8, header.epoch ?? 3, true);
  view.setUint32(12, header.seq ?? 9, true);
  view.setBigInt64(16, FIRST_END_NS, true);
  view.setUint32(24, header.count ?? 1, true);
  bytes.set(body, TILE_HEADER_BYTES);
  return bytes.buffer;
}
