import { describe, expect, it } from "vitest";

import { qualityText } from "../../src/view/quality";

describe("scorecard", () => {
  it("tells what was counted, sums what belongs together, and leaves the rest out", () => {
    const snap = {
      valid_share: 10_800 / 10_801,
      crossed_seconds: 0,
      unknown_cancels: 1200,
      unknown_ids: 1234,
      gaps: 2,
      opening: "clear",
      adds: 7,
    };
    expect(qualityText({ snap, records: { rejected_size: 2, rejects: 3, action_A: 9 } })).toBe(
      "valid 99.9 % · crossed 0 s · unknown ids 1,234 · rejects 3 · gaps 2",
    );
  });

  it("says nothing of a session that counted nothing", () => {
    expect(qualityText({ snap: {}, forecast: {} })).toBe("");
  });
});
