import { describe, expect, it } from "vitest";

import { SPEEDS, neighbouringSpeed } from "../../src/store/speeds";
import { formatAddress, parseAddress } from "../../src/store/url";

describe("address", () => {
  it("survives the round trip", () => {
    const address = {
      symbol: "ESH6",
      dt: "2026-01-29",
      time: "09:41:07",
      speed: 16,
      field: "u_wave_energy",
      paused: true,
    };
    expect(parseAddress(formatAddress(address))).toEqual(address);
  });

  it("says nothing of defaults", () => {
    const nothing = { symbol: null, dt: null, time: null, speed: 1, field: null, paused: false };
    expect(formatAddress(nothing)).toBe("");
    expect(parseAddress("")).toEqual(nothing);
  });

  it.each([
    ["symbol", "?symbol=../etc/passwd"],
    ["dt", "?dt=yesterday"],
    ["time", "?time=25:00:00"],
    ["field", "?field=%3Cscript%3E"],
  ] as const)("takes a malformed %s for absent", (part, query) => {
    expect(parseAddress(query)[part]).toBeNull();
  });

  it.each(["0", "-1", "NaN", "Infinity", "3", ""])("takes speed %s for 1", (speed) => {
    expect(parseAddress(`?speed=${speed}`).speed).toBe(1);
  });
});

describe("speeds", () => {
  it("run from a quarter to sixty-four and stop at the ends", () => {
    expect([SPEEDS[0], SPEEDS.at(-1)]).toEqual([0.25, 64]);
    expect(neighbouringSpeed(1, 1)).toBe(2);
    expect(neighbouringSpeed(0.25, -1)).toBe(0.25);
    expect(neighbouringSpeed(64, 1)).toBe(64);
  });
});
