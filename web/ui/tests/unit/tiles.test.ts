import { Table, tableFromIPC, tableToIPC } from "apache-arrow";
import { describe, expect, it } from "vitest";

import { DIAGNOSTICS, FIELDS, FORECAST_HORIZONS, FORECAST_STRIDE, OPTION_FIELDS } from "../../src/wire/fields";
import { readTileHeader } from "../../src/wire/header";
import { type ForecastTile, type OptionsTile, type SnapTile, type VelocityTile, buffersOf, decodeTile } from "../../src/wire/tiles";
import {
  FIRST_END_NS,
  HOLE,
  STRIKES,
  TICK_INT,
  UNDEFINED_PRICE,
  cellValue,
  forecastBody,
  message,
  optionsBody,
  snapBody,
  velocityBody,
} from "./tile_messages";

const GRID = 5;
const geometry = { firstWindowEndNs: FIRST_END_NS, tickInt: TICK_INT, grid: GRID, strikes: STRIKES, spotIsMid: false };

describe("tile header", () => {
  it("gives surface, epoch, sequence, first window and count", () => {
    expect(readTileHeader(message(1, new Uint8Array(0), { epoch: 4, seq: 77, count: 64 }))).toEqual({
      surface: "velocity",
      epoch: 4,
      seq: 77,
      firstWindowEndNs: FIRST_END_NS,
      count: 64,
    });
  });

  it.each([
    ["a short message", new ArrayBuffer(31), /31 bytes/],
    ["another magic", message(1, new Uint8Array(0), { magic: 0x12345678 }), /0x12345678/],
    ["a newer version", message(1, new Uint8Array(0), { version: 2 }), /version 2/],
    ["an unknown surface", message(5, new Uint8Array(0)), /surface 5/],
  ])("refuses %s and says what it found", (_, buffer, complaint) => {
    expect(() => readTileHeader(buffer)).toThrow(complaint);
  });
});

describe("velocity tile", () => {
  const tile = decodeTile("velocity", velocityBody([62, 63, 64], GRID), geometry) as VelocityTile;

  it("turns times into window indices and prices into ticks", () => {
    expect([...tile.index]).toEqual([62, 63, 64]);
    expect([...tile.spot]).toEqual([24_062, 24_063, 24_064]);
    expect([...tile.valid]).toEqual([1, 1, 0]);
  });

  it("joins the sides cell by cell, ask first", () => {
    FIELDS.forEach((_, f) => {
      for (let row = 0; row < 3; row++) {
        for (let cell = 0; cell < GRID; cell++) {
          const at = (row * GRID + cell) * 2;
          expect(tile.fields[f]![at]).toBe(cellValue(62 + row, f, cell));
          expect(tile.fields[f]![at + 1]).toBe(-cellValue(62 + row, f, cell));
        }
      }
    });
  });

  it("hands over every buffer it made, each once", () => {
    const buffers = buffersOf(tile);
    expect(buffers).toHaveLength(3 + FIELDS.length);
    expect(new Set(buffers).size).toBe(buffers.length);
  });

  it("refuses another grid width and a missing column", () => {
    expect(() => decodeTile("velocity", velocityBody([1], GRID + 2), geometry)).toThrow(/rows of 5/);
    const whole = tableFromIPC(velocityBody([1], GRID));
    const names = whole.schema.names.filter((name) => name !== "nu_b");
    const cut = tableToIPC(new Table(whole.select(names).batches), "stream");
    expect(() => decodeTile("velocity", cut, geometry)).toThrow(/lacks the column nu_b/);
  });

  it("refuses a window that is not on the session's seconds", () => {
    const shifted = { ...geometry, firstWindowEndNs: FIRST_END_NS + 1n };
    expect(() => decodeTile("velocity", velocityBody([1], GRID), shifted)).toThrow(/not on the session/);
  });
});

describe("snap tile", () => {
  it("keeps half ticks and makes unknown prices NaN", () => {
    const body = snapBody([
      { index: 2, bid: 5999_750_000_000n },
      { index: 3, bid: null },
      { index: 4, bid: UNDEFINED_PRICE },
    ]);
    const tile = decodeTile("snap", body, geometry) as SnapTile;
    expect([...tile.mid]).toEqual([24_000.5, NaN, 24_000.5]);
    expect([...tile.bid]).toEqual([23_999, NaN, NaN]);
    expect([...tile.ask]).toEqual([24_001, 24_001, 24_001]);
    expect([...tile.valid]).toEqual([1, 0, 1]);
    expect([...tile.buyQty]).toEqual([2, 3, 4]);
  });

  it("takes the mid for spot where the session says so", () => {
    const body = snapBody([{ index: 2, bid: 5999_750_000_000n }]);
    const tile = decodeTile("snap", body, { ...geometry, spotIsMid: true }) as SnapTile;
    expect([...tile.spot]).toEqual([24_000.5]);
  });
});

describe("forecast tile", () => {
  it("lays values out by kind and horizon, nulls as NaN", () => {
    const tile = decodeTile("forecast", forecastBody([1, 2]), geometry) as ForecastTile;
    expect(tile.values).toHaveLength(2 * FORECAST_STRIDE);
    expect(tile.values[0]).toBeNaN();
    expect(tile.values[30]).toBe(1 + 30 / 32);
    expect(tile.values[FORECAST_STRIDE + 3 * FORECAST_HORIZONS + 4]).toBe(2 + 3 + 4 / 32);
    expect([...tile.diagnostics.subarray(0, DIAGNOSTICS.length)]).toEqual([1, 1.25, 1.5, 1.75]);
    expect([...tile.diagnostics.subarray(DIAGNOSTICS.length)]).toEqual([NaN, NaN, NaN, NaN]);
  });
});

describe("options tile", () => {
  it("holds every field strike by strike from the lowest on, and says where there are none", () => {
    const tile = decodeTile("options", optionsBody([3, 4, HOLE]), geometry) as OptionsTile;
    expect([...tile.index]).toEqual([3, 4, HOLE]);
    expect([...tile.firstStrike]).toEqual([23_803, 23_804, NaN]);
    expect(tile.fields).toHaveLength(OPTION_FIELDS.length);
    expect(tile.fields[4]![STRIKES + 20]).toBeCloseTo(4 + 0.4 + 0.2, 5);
    expect(buffersOf(tile)).toHaveLength(2 + OPTION_FIELDS.length);
  });

  it("refuses another number of strikes than the session announced", () => {
    const other = { ...geometry, strikes: STRIKES + 2 };
    expect(() => decodeTile("options", optionsBody([3]), other)).toThrow(/rows of 23/);
  });
});
