import { describe, expect, it } from "vitest";

import { qualityText } from "../../src/view/quality";

describe("scorecard", () => {
  it("tells what was counted, sums what belongs together, and leaves the rest out", () => {
    const snap = {
      windows: 10_801,
      valid_windows: 10_800,
      crossed_seconds: 0,
      unknown_cancels: 1200,
      unknown_modifies: 34,
      opening: "clear",
      adds: 7,
    };
    expect(qualityText({ snap, records: { rejects_size: 2, rejects_price: 1, action_A: 9 } })).toBe(
      "valid 99.9 % · crossed 0 s · unknown ids 1,234 · rejects 3",
    );
  });

  it("says nothing of a session that counted nothing", () => {
    expect(qualityText({ snap: {}, forecast: {} })).toBe("");
  });
});
