import { describe, expect, it } from "vitest";

import { SessionRing } from "../../src/store/ring";
import { PALETTE_WIDTH, paletteBytes } from "../../src/view/palette";
import { measureCutOffs } from "../../src/view/range";
import { FIELDS } from "../../src/wire/fields";

const GRID = 101;
const RHO = FIELDS.indexOf("rho");

function ringOf(value: (window: number, cell: number) => number, ticks = 1): SessionRing {
  const ring = new SessionRing({ grid: GRID, ticks }, 0, true, 64);
  const indices = Array.from({ length: 60 }, (_, i) => i);
  ring.put({
    surface: "velocity",
    index: Int32Array.from(indices),
    spot: new Float64Array(60).fill(1000),
    valid: new Uint8Array(60).fill(1),
    fields: FIELDS.map(() =>
      Float32Array.from({ length: 60 * GRID * 2 }, (_, i) =>
        i % 2 === 0 ? value(Math.floor(i / (GRID * 2)), Math.floor(i / 2) % GRID) : 0,
      ),
    ),
  });
  return ring;
}

describe("colour cut-offs", () => {
  const everywhere = { firstWindow: 0, lastWindow: 59, lowTick: 0, highTick: 9999 };

  it("are percentiles of occupied cells, to the width of a bin", () => {
    const out = { low: 0, high: 0 };
    const ring = ringOf((_, cell) => 1 + cell / 100);
    expect(measureCutOffs(ring, RHO, 0, everywhere, { low: 4, high: 98 }, out)).toBe(true);
    expect(out.low).toBeGreaterThan(0.95);
    expect(out.low).toBeLessThan(1.06);
    expect(out.high).toBeGreaterThan(1.95);
    expect(out.high).toBeLessThan(2.1);
  });

  it("look only at the ticks and windows on the screen", () => {
    const out = { low: 0, high: 0 };
    const ring = ringOf((window, cell) => (cell === 50 && window < 30 ? 2 : 300));
    const visible = { firstWindow: 0, lastWindow: 29, lowTick: 1000, highTick: 1000 };
    expect(measureCutOffs(ring, RHO, 0, visible, { low: 4, high: 98 }, out)).toBe(true);
    expect(out.high).toBeLessThan(2.2);
  });

  it("know how many ticks a cell is high", () => {
    const out = { low: 0, high: 0 };
    const ring = ringOf((_, cell) => (cell === 52 ? 2 : 300), 10);
    const visible = { ...everywhere, lowTick: 1020, highTick: 1029 };
    expect(measureCutOffs(ring, RHO, 0, visible, { low: 4, high: 98 }, out)).toBe(true);
    expect(out.high).toBeLessThan(2.2);
  });

  it("say when there is nothing to measure", () => {
    const out = { low: 3, high: 4 };
    expect(measureCutOffs(ringOf(() => 0), RHO, 0, everywhere, { low: 4, high: 98 }, out)).toBe(false);
    expect(out).toEqual({ low: 3, high: 4 });
  });
});

describe("palettes", () => {
  it.each(["tide", "glow", "sides"] as const)("%s is clear where there is nothing", (name) => {
    const bytes = paletteBytes(name);
    const nothing = name === "tide" ? Math.round((PALETTE_WIDTH - 1) / 2) : 0;
    expect(bytes[nothing * 4 + 3]).toBeLessThan(8);
    expect(bytes[(PALETTE_WIDTH - 1) * 4 + 3]).toBe(255);
  });
});
