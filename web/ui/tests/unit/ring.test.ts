import { describe, expect, it } from "vitest";

import { HAS_FORECAST, HAS_SNAP, HAS_VELOCITY, SessionRing } from "../../src/store/ring";
import { FIELDS } from "../../src/wire/fields";
import { decodeTile } from "../../src/wire/tiles";
import {
  FIRST_END_NS,
  TICK_INT,
  cellValue,
  forecastBody,
  snapBody,
  velocityBody,
} from "./tile_messages";

const GRID = 5;
const STRIKES = 3;
const CAPACITY = 16;
const geometry = { firstWindowEndNs: FIRST_END_NS, tickInt: TICK_INT, grid: GRID, strikes: STRIKES, spotIsMid: false };

function put(ring: SessionRing, surface: "snap" | "velocity" | "forecast", indices: number[]): void {
  const body = {
    snap: () => snapBody(indices.map((index) => ({ index, bid: 5999_750_000_000n }))),
    velocity: () => velocityBody(indices, GRID),
    forecast: () => forecastBody(indices),
  }[surface]();
  ring.put(decodeTile(surface, body, geometry));
}

describe("session ring", () => {
  it("holds a window once all its surfaces have come, in any order", () => {
    const ring = new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, true, CAPACITY);
    put(ring, "velocity", [3]);
    expect(ring.has(3)).toBe(false);
    put(ring, "snap", [3]);
    expect(ring.has(3)).toBe(true);
    expect(ring.has(3, HAS_FORECAST)).toBe(false);
    put(ring, "forecast", [3]);
    expect(ring.has(3, HAS_SNAP | HAS_VELOCITY | HAS_FORECAST)).toBe(true);
  });

  it("holds a window by its prices alone where the session has no surface", () => {
    const ring = new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, false, CAPACITY);
    expect(ring.has(3)).toBe(false);
    put(ring, "snap", [3]);
    expect(ring.has(3)).toBe(true);
    expect(ring.has(3, HAS_VELOCITY)).toBe(false);
  });

  it("gives a row to the newest window that maps to it and forgets the older whole", () => {
    const ring = new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, true, CAPACITY);
    put(ring, "snap", [3]);
    put(ring, "velocity", [3]);
    put(ring, "velocity", [3 + CAPACITY]);
    expect(ring.has(3)).toBe(false);
    expect(ring.has(3 + CAPACITY)).toBe(false);
    expect(ring.row(3)).toBe(ring.row(3 + CAPACITY));
    expect(ring.bid[ring.row(3)]).toBeNaN();
    const at = (ring.row(3) * GRID + 2) * 2;
    expect(ring.fields[FIELDS.indexOf("nu")]![at]).toBe(cellValue(3 + CAPACITY, 2, 2));
  });

  it("keeps a window invalid when either table says so", () => {
    const ring = new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, true, CAPACITY);
    put(ring, "snap", [4]);
    put(ring, "velocity", [4]);
    expect(ring.valid[ring.row(4)]).toBe(0);
    put(ring, "velocity", [5]);
    put(ring, "snap", [5]);
    expect(ring.valid[ring.row(5)]).toBe(1);
  });

  it("logs every row that was written, so that each goes up once", () => {
    const ring = new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, true, CAPACITY);
    put(ring, "velocity", [14, 15, 16]);
    expect(ring.written).toBe(3);
    put(ring, "snap", [15]);
    expect([0, 1, 2, 3].map((n) => ring.writtenRow(n))).toEqual([14, 15, 0, 15]);
    expect([2, 3].map((n) => ring.writtenSurface(n))).toEqual([HAS_VELOCITY, HAS_SNAP]);
  });

  it("centres a row on the cell that spot lies in, the nearest, ties upwards", () => {
    const ring = new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, true, CAPACITY);
    const spots = [10_242.4, 10_242.5, 10_242.6];
    ring.put({
      surface: "velocity",
      index: Int32Array.of(0, 1, 2),
      spot: Float64Array.from(spots),
      valid: new Uint8Array(3).fill(1),
      fields: FIELDS.map(() => new Float32Array(3 * GRID * 2)),
    });
    expect([...ring.center.subarray(0, 3)]).toEqual([10_242, 10_243, 10_243]);
  });

  it("refuses a capacity that is no power of two", () => {
    expect(() => new SessionRing({ grid: GRID, ticks: 1 }, STRIKES, true, 12)).toThrow(/power of two/);
  });
});
