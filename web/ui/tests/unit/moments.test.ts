import { describe, expect, it } from "vitest";

import { completeTime, pressLoop } from "../../src/store/moments";

describe("a time that is typed", () => {
  it.each([
    ["09:40:07", "09:40:07"],
    ["094007", "09:40:07"],
    ["09:40", "09:40:00"],
    ["0940", "09:40:00"],
    ["soon", "soon"],
    ["9:40:07", "9:40:07"],
  ])("%s is %s", (typed, time) => {
    expect(completeTime(typed)).toBe(time);
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
