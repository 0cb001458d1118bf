import { describe, expect, it } from "vitest";

import { INITIAL, PARAMETERS, type Parameters, changeParameter } from "../../../src/wave/parameters";
import { distanceToObject } from "../../../src/wave/medium";
import { PRESETS } from "../../../src/wave/presets";

describe("speed = wavelength × frequency", () => {
  it.each([
    ["wavelength", 20, "frequency", 0.5],
    ["frequency", 2, "wavelength", 5],
    ["speed", 20, "wavelength", 20],
  ] as const)("a %s of %s updates the %s to %s", (name, value, updated, to) => {
    const change = changeParameter(INITIAL, name, value);
    expect(change.updated).toEqual([updated]);
    expect(change.values[updated]).toBeCloseTo(to, 12);
  });

  it("stops at the end of a range and lets the third follow", () => {
    const change = changeParameter({ ...INITIAL, frequency: 0.1, speed: 1 }, "speed", 50);
    expect(change.updated).toEqual(["wavelength", "frequency"]);
    expect(change.values.wavelength).toBe(30);
    expect(change.values.frequency).toBeCloseTo(50 / 30, 12);
  });

  it("holds, and all three stay in range, wherever the sliders go", () => {
    let values: Parameters = INITIAL;
    for (const name of ["wavelength", "frequency", "speed"] as const) {
      for (const other of ["speed", "wavelength", "frequency"] as const) {
        for (let share = 0; share <= 1; share += 0.125) {
          for (const [which, at] of [[name, share], [other, 1 - share]] as const) {
            const { least, most } = PARAMETERS.find((spec) => spec.name === which)!;
            values = changeParameter(values, which, least + at * (most - least)).values;
            expect(values.wavelength * values.frequency).toBeCloseTo(values.speed, 9);
            for (const spec of PARAMETERS) {
              expect(values[spec.name]).toBeGreaterThanOrEqual(spec.least);
              expect(values[spec.name]).toBeLessThanOrEqual(spec.most);
            }
          }
        }
      }
    }
  });

  it("leaves everything else alone", () => {
    const change = changeParameter(INITIAL, "density", 1.5);
    expect(change.updated).toEqual([]);
    expect(change.values).toEqual({ ...INITIAL, density: 1.5 });
  });

  it.each(PRESETS)("holds in the preset $label, which is in range", ({ values }) => {
    expect(values.wavelength * values.frequency).toBeCloseTo(values.speed, 9);
    for (const { name, least, most } of PARAMETERS) {
      expect(values[name]).toBeGreaterThanOrEqual(least);
      expect(values[name]).toBeLessThanOrEqual(most);
    }
  });
});

describe("distance to the object", () => {
  const at = (shape: "ellipse" | "box", x: number, y: number): number =>
    distanceToObject({ ...INITIAL, width: 4, height: 2, x: 10, y: 5 }, shape, x, y);

  it("is that of a box", () => {
    expect(at("box", 10, 5)).toBe(-1);
    expect(at("box", 13, 5)).toBe(1);
    expect(at("box", 15, 10)).toBeCloseTo(5, 12);
  });

  it("is that of an ellipse: the smallest over its rim", () => {
    for (const [x, y] of [[10, 5], [11.5, 5.1], [9.2, 5.6], [15, 5], [3, 9], [10, 0.4]] as const) {
      let nearest = Infinity;
      for (let angle = 0; angle < 2 * Math.PI; angle += 1e-3) {
        nearest = Math.min(nearest, Math.hypot(10 + 2 * Math.cos(angle) - x, 5 + Math.sin(angle) - y));
      }
      const inside = ((x - 10) / 2) ** 2 + (y - 5) ** 2 < 1;
      expect(at("ellipse", x, y)).toBeCloseTo(inside ? -nearest : nearest, 3);
    }
  });
});
