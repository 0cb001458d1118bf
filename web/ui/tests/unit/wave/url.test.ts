import { describe, expect, it } from "vitest";

import { formatWaveAddress, parseWaveAddress } from "../../../src/store/wave_url";
import { INITIAL } from "../../../src/wave/parameters";

describe("address of the particle wave", () => {
  it("survives the round trip", () => {
    const address = {
      values: { ...INITIAL, wavelength: 4, frequency: 2.5, x: 12.25, viscosity: 1 },
      shape: "box",
      view: "intensity",
      paused: true,
      columns: 400,
      solver: "cpu",
    } as const;
    expect(parseWaveAddress(formatWaveAddress(address))).toEqual(address);
  });

  it("says nothing of initial values", () => {
    expect(formatWaveAddress(parseWaveAddress(""))).toBe("");
    expect(parseWaveAddress("").values).toEqual(INITIAL);
  });

  it("clamps what is out of range and ignores what is no number", () => {
    const { values } = parseWaveAddress("?density=9&height=NaN&width=&x=-3&amplitude=Infinity&y=two");
    expect(values).toEqual({ ...INITIAL, density: 2, x: 0 });
  });

  it.each([
    ["?wavelength=20", 20, 0.5, 10],
    ["?frequency=2", 5, 2, 10],
    ["?speed=50&wavelength=2&frequency=0.1", 30, 50 / 30, 50],
  ])("keeps speed = wavelength × frequency in %s", (query, wavelength, frequency, speed) => {
    const { values } = parseWaveAddress(query);
    expect(values.wavelength).toBeCloseTo(wavelength, 9);
    expect(values.frequency).toBeCloseTo(frequency, 9);
    expect(values.speed).toBeCloseTo(speed, 9);
  });
});
