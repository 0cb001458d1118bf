import { describe, expect, it } from "vitest";

import { parseServerMessage } from "../../src/wire/control";
import {
  cellsOf,
  clampWindow,
  epochSecond,
  geometryOf,
  parseListing,
  parseSession,
  shownSurfaces,
  windowEndNs,
} from "../../src/wire/session";

const described = {
  symbol: "ESH6",
  dt: "2026-01-29",
  product_type: "future_mbo",
  root: "ES",
  tick_int: 250_000_000,
  strike_step_int: null,
  name: "E-mini S&P 500",
  version: "845d61845a2c3010",
  price_decimals: 2,
  grid: { half_width: 200, cells: 401, step_int: 250_000_000 },
  session: {
    windows: 1201,
    first_window_end_ts_ns: "1769697000000000000",
    time_zone: "America/New_York",
  },
  tile_windows: 64,
  calibrated: false,
  calibration: { uncalibrated_because: "coverage failed", role: "train", fit_sha256: null },
  scorecard: { snap: { late_records: 3 } },
  surfaces: {
    snap: { available: true },
    velocity: { available: true },
    options: { available: false },
    forecast: { available: true },
  },
  overview: {
    stride_windows: 2,
    mid: [6030.125, null],
    wave_energy: [null, 0.5],
    quality_marks: [{ kind: "invalid", first_window: 3, last_window: 9 }],
  },
};

describe("session", () => {
  const session = parseSession(described);

  it("keeps times whole: nanoseconds never pass through a float", () => {
    expect(session.firstWindowEndNs).toBe(1_769_697_000_000_000_000n);
    expect(windowEndNs(session, 1200)).toBe("1769698200000000000");
    expect(epochSecond(session, 60)).toBe(1_769_697_060);
  });

  it("names the surfaces that are there and makes holes NaN", () => {
    expect(session.surfaces).toEqual(["snap", "velocity", "forecast"]);
    expect(session.overview.mid).toEqual([6030.125, NaN]);
    expect(session.overview.marks).toEqual([{ kind: "invalid", firstWindow: 3, lastWindow: 9 }]);
  });

  it("counts the step of its strikes in ticks, and says when it has none", () => {
    expect(session.strikeStep).toBeNull();
    expect(session.strikes).toBe(0);
    const surfaces = { ...described.surfaces, options: { available: true, rows_per_window: 21 } };
    const withOptions = parseSession({ ...described, surfaces, strike_step_int: 5_000_000_000 });
    expect(withOptions.strikeStep).toBe(20);
    expect(withOptions.strikes).toBe(21);
  });

  it("counts prices in cells where those are wider than the orders' tick", () => {
    const grid = { half_width: 200, cells: 401, step_int: 50_000_000 };
    const equity = parseSession({ ...described, tick_int: 10_000_000, grid });
    expect([equity.tickInt, equity.orderStepInt]).toEqual([50_000_000, 10_000_000]);
  });

  it("shows an equity's wide map in the fine one's place, and a session without one as it is", () => {
    const grid = { half_width: 200, cells: 401, step_int: 50_000_000 };
    const wide_grid = { half_width: 100, cells: 201, step_int: 500_000_000 };
    const surfaces = { ...described.surfaces, wide: { available: true } };
    const equity = parseSession({ ...described, tick_int: 10_000_000, grid, wide_grid, surfaces });
    expect(cellsOf(equity, "fine")).toEqual({ grid: 401, ticks: 1 });
    expect(cellsOf(equity, "wide")).toEqual({ grid: 201, ticks: 10 });
    expect(geometryOf(equity, "wide").grid).toBe(201);
    expect(shownSurfaces(equity, "fine")).toEqual(["snap", "velocity", "forecast"]);
    // The service sends the wide map last.
    expect(shownSurfaces(equity, "wide")).toEqual(["snap", "forecast", "wide"]);
    expect(session.maps.wide).toBeNull();
    expect(cellsOf(session, "wide")).toEqual({ grid: 401, ticks: 1 });
    expect(shownSurfaces(session, "wide")).toEqual(["snap", "velocity", "forecast"]);
  });

  it("holds windows within the session", () => {
    expect([-5, 3.4, 1e9].map((index) => clampWindow(session, index))).toEqual([0, 3, 1200]);
  });

  it("says which part of an answer is missing", () => {
    expect(() => parseSession({ ...described, grid: null })).toThrow(/lacks grid/);
    expect(() => parseSession({ ...described, tile_windows: 6.5 })).toThrow(/tile_windows/);
    expect(() => parseSession("no")).toThrow(/lacks the session/);
  });

  it("reads what the evaluation says of each root, and that there is none yet", () => {
    const verdict = "Against zero change on held-out days: skill at 1 s.";
    const { verdicts } = parseListing({ sessions: [], scorecard: { ES: { verdict, horizons: [] } } });
    expect([...verdicts]).toEqual([["ES", verdict]]);
    expect(parseListing({ sessions: [], scorecard: null }).verdicts.size).toBe(0);
  });

  it("lists the newest date first", () => {
    const { sessions: list } = parseListing({
      sessions: [
        { symbol: "ESH6", root: "ES", dt: "2026-01-28", product_type: "future_mbo" },
        { symbol: "ESM6", root: "ES", dt: "2026-01-29", product_type: "future_mbo" },
        { symbol: "ESH6", root: "ES", dt: "2026-01-29", product_type: "future_mbo" },
      ],
    });
    expect(list.map(({ symbol, dt }) => `${symbol} ${dt}`)).toEqual([
      "ESH6 2026-01-29",
      "ESM6 2026-01-29",
      "ESH6 2026-01-28",
    ]);
  });
});

describe("control messages", () => {
  it("reads acknowledgements, ends and errors", () => {
    expect(
      parseServerMessage('{"type":"ack","of":"seek","epoch":4,"paused":true,"speed":2}'),
    ).toEqual({ type: "ack", of: "seek", epoch: 4, paused: true, speed: 2 });
    expect(parseServerMessage('{"type":"stream_end","reason":"replaced"}')).toEqual({
      type: "stream_end",
      reason: "replaced",
    });
    expect(parseServerMessage('{"type":"error","code":"lake","message":"gone"}')).toEqual({
      type: "error",
      code: "lake",
      message: "gone",
    });
  });

  it("refuses what it does not know", () => {
    expect(() => parseServerMessage('{"type":"surprise"}')).toThrow(/surprise/);
    expect(() => parseServerMessage("null")).toThrow(/no object/);
  });
});
