import { describe, expect, it } from "vitest";

import {
  WallClock,
  firstMultiple,
  formatTicks,
  priceStepTicks,
  timeStepSeconds,
} from "../../src/view/scales";
import { asTick } from "../../src/wire/units";

const QUARTER = 250_000_000;
const PENNY = 10_000_000;

describe("price axis", () => {
  it("steps by $0.25, $1 and $5 as one zooms out of a quarter tick", () => {
    expect(priceStepTicks(QUARTER, 60, 40)).toBe(1);
    expect(priceStepTicks(QUARTER, 12, 40)).toBe(4);
    expect(priceStepTicks(QUARTER, 2.1, 40)).toBe(20);
  });

  it("steps by whole ticks of a penny and of a thirty-second", () => {
    for (const tick of [PENNY, 31_250_000, 5_000_000]) {
      for (const px of [0.01, 0.3, 1, 7, 90]) {
        const step = priceStepTicks(tick, px, 40);
        expect(Number.isInteger(step)).toBe(true);
        expect(step * px).toBeGreaterThanOrEqual(40);
      }
    }
  });

  it("labels ticks by integer arithmetic, half ticks with one digit more", () => {
    expect(formatTicks(asTick(24_043), QUARTER, 2)).toBe("6,010.75");
    expect(formatTicks(asTick(24_043.5), QUARTER, 2)).toBe("6,010.875");
    expect(formatTicks(asTick(4_000_000), QUARTER, 2)).toBe("1,000,000.00");
    expect(formatTicks(asTick(-20), QUARTER, 2)).toBe("-5.00");
    expect(formatTicks(asTick(61_023), PENNY, 2)).toBe("610.23");
  });
});

describe("time axis", () => {
  it("keeps labels apart", () => {
    for (const px of [0.05, 0.5, 1, 8, 64]) {
      const step = timeStepSeconds(px, 100);
      expect(step * px >= 100 || step === 3600).toBe(true);
    }
    expect(timeStepSeconds(8, 100)).toBe(15);
  });

  it("starts at the first multiple inside", () => {
    expect(firstMultiple(31, 15)).toBe(45);
    expect(firstMultiple(30, 15)).toBe(30);
    expect(firstMultiple(-31, 15)).toBe(-30);
  });

  it("names New York's wall clock on both sides of a change of offset", () => {
    const wall = new WallClock("America/New_York");
    expect(wall.label(Date.UTC(2026, 0, 29, 14, 30) / 1000)).toBe("09:30:00");
    expect(wall.label(Date.UTC(2026, 5, 29, 13, 30) / 1000)).toBe("09:30:00");
    expect(wall.label(Date.UTC(2026, 0, 29, 5, 0, 7) / 1000)).toBe("00:00:07");
  });
});
