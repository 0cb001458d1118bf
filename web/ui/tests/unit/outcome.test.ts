import { describe, expect, it } from "vitest";

import { pressLoop } from "../../src/store/moments";
import { outcomeOf, tally } from "../../src/store/outcome";
import { SessionRing } from "../../src/store/ring";
import { FORECAST_STRIDE, FORECAST_VALUES } from "../../src/wire/fields";

const MIDS = [10, 11, 11, 9, 10];
const PREDICTED = [1, -1, 1, 0, NaN];

function ring(): SessionRing {
  const made = new SessionRing(5, 16);
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
  expect(FORECAST_VALUES[0]).toBe("predicted_delta");
  PREDICTED.forEach((delta, i) => {
    for (let h = 1; h <= 30; h++) values[i * FORECAST_STRIDE + h] = delta;
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

  it("counts hits and misses of what is known", () => {
    expect(tally(ring(), -3, 4, 1, 4)).toEqual({ hits: 1, misses: 1 });
    expect(tally(ring(), 0, 4, 1, 1)).toEqual({ hits: 1, misses: 0 });
  });
});

describe("loop button", () => {
  it("sets the begin, then the end, then drops the loop", () => {
    const begun = pressLoop(null, 7);
    expect(begun).toEqual({ from: 7, to: null });
    const whole = pressLoop(begun, 12);
    expect(whole).toEqual({ from: 7, to: 12 });
    expect(pressLoop(whole, 9)).toBeNull();
  });

  it("drops a loop whose end would lie before its begin", () => {
    expect(pressLoop({ from: 7, to: null }, 7)).toBeNull();
  });
});
