import { describe, expect, it } from "vitest";

import { type Score, emptyScore, outcomeOf, scoreForecasts } from "../../src/store/outcome";
import { SessionRing } from "../../src/store/ring";
import { FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES } from "../../src/wire/fields";

const STRIKES = 3;
const MIDS = [10, 11, 11, 9, 10];
const PREDICTED = [1, -1, 1, 0, NaN];

function ring(): SessionRing {
  const made = new SessionRing({ grid: 5, ticks: 1 }, STRIKES, true, 16);
  const index = Int32Array.from(MIDS, (_, i) => i);
  const none = new Float64Array(MIDS.length);
  made.put({
    surface: "snap",
    index,
    mid: Float64Array.from(MIDS),
    spot: Float64Array.from(MIDS),
    bid: none,
    ask: none,
    valid: new Uint8Array(MIDS.length).fill(1),
    buyQty: none,
    sellQty: none,
  });
  const values = new Float32Array(MIDS.length * FORECAST_STRIDE).fill(NaN);
  PREDICTED.forEach((delta, i) => {
    const put = (name: (typeof FORECAST_VALUES)[number], value: number): void => {
      const at = i * FORECAST_STRIDE + FORECAST_VALUES.indexOf(name) * FORECAST_HORIZONS;
      values.fill(value, at + 1, at + FORECAST_HORIZONS);
    };
    put("predicted_delta", delta);
    put("confidence", 0.75);
    put("band_lo_50", -1);
    put("band_hi_50", 1);
    put("band_lo_90", -1.5);
    put("band_hi_90", 1.5);
  });
  made.put({ surface: "forecast", index, values, diagnostics: new Float64Array(MIDS.length * 4) });
  return made;
}

describe("outcome of a forecast", () => {
  it.each([
    [0, 1, "hit"],
    [1, 1, "unmoved"],
    [1, 2, "hit"],
    [2, 1, "miss"],
    [3, 1, "unknown"],
  ] as const)("of window %s after %s s is a %s", (index, horizon, outcome) => {
    expect(outcomeOf(ring(), index, horizon, 4)).toBe(outcome);
  });

  it("is not told before its time, from a window that is not held, or without a prediction", () => {
    expect(outcomeOf(ring(), 0, 1, 0)).toBe("unknown");
    expect(outcomeOf(ring(), 3, 5, 100)).toBe("unknown");
    expect(outcomeOf(ring(), 4, 0, 4)).toBe("unknown");
  });

});

describe("score of forecasts", () => {
  const scoreOf = (first: number, last: number, now: number): Score => {
    const score = emptyScore();
    scoreForecasts(ring(), first, last, 1, now, score);
    return score;
  };

  it("counts hits and misses of what is known, and no window twice", () => {
    expect(scoreOf(-3, 4, 4)).toMatchObject({ hits: 1, misses: 1 });
    expect(scoreOf(0, 4, 1)).toMatchObject({ hits: 1, misses: 0 });
    const score = emptyScore();
    for (let time = 0; time < 2; time++) scoreForecasts(ring(), 0, 4, 1, 4, score);
    expect(score).toEqual(scoreOf(0, 4, 4));
  });

  it("counts how often a band held the mid, edges included, also where nothing moved", () => {
    // Moves after one second are 1, 0, -2, 1 in bands of ±1 and ±1.5; window 4 has no later mid.
    expect(scoreOf(0, 4, 4)).toMatchObject({ banded: 4, inside50: 3, inside90: 3 });
    expect(scoreOf(0, 4, 2)).toMatchObject({ banded: 2, inside50: 2, inside90: 2 });
  });

  it("sums the squared distance of confidence from what happened, over moves only", () => {
    const { weighed, brierSum } = scoreOf(0, 4, 4);
    expect(weighed).toBe(2);
    expect(brierSum).toBeCloseTo((0.75 - 1) ** 2 + 0.75 ** 2, 6);
  });
});
