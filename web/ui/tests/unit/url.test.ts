import { describe, expect, it } from "vitest";

import { SPEEDS, neighbouringSpeed } from "../../src/store/speeds";
import { firstColours } from "../../src/view/colours";
import { firstLayers, parseLayers } from "../../src/view/layers";
import { formatAddress, parseAddress } from "../../src/store/url";

describe("address", () => {
  it("survives the round trip", () => {
    const address = {
      symbol: "ESH6",
      dt: "2026-01-29",
      time: "09:41:07",
      speed: 16,
      field: "u_wave_energy",
      map: "wide" as const,
      paused: true,
      loop: ["09:40:00", "09:42:30"] as const,
      view: { zoomX: 2, zoomY: 0.5, panSeconds: -12.5, centerTick: 24_118.25 },
      layers: parseLayers("1367", "1:60,6:30"),
      colours: {
        palette: "safe" as const,
        logarithmic: true,
        lowPercentile: 10,
        highPercentile: 95.5,
      },
      pastHorizon: 5,
    };
    expect(parseAddress(formatAddress(address))).toEqual(address);
  });

  it("says nothing of defaults", () => {
    const nothing = {
      symbol: null,
      dt: null,
      time: null,
      speed: 1,
      field: null,
      map: "fine" as const,
      paused: false,
      loop: null,
      view: null,
      layers: firstLayers(),
      colours: firstColours(),
      pastHorizon: 10,
    };
    expect(formatAddress(nothing)).toBe("");
    expect(parseAddress("")).toEqual(nothing);
  });

  it.each([
    ["symbol", "?symbol=../etc/passwd"],
    ["dt", "?dt=yesterday"],
    ["time", "?time=25:00:00"],
    ["field", "?field=%3Cscript%3E"],
    ["loop", "?loop=09:40:00"],
    ["loop", "?loop=09:40:00-26:00:00"],
    ["view", "?view=1,2"],
    ["view", "?view=1,2,x"],
    ["view", "?view=1,1e9,NaN"],
    ["view", "?view=1,1..2,3"],
  ] as const)("takes a malformed %s for absent", (part, query) => {
    expect(parseAddress(query)[part]).toBeNull();
  });

  it("takes malformed layers, opacities and colours for the first ones", () => {
    const { layers, colours } = parseAddress("?layers=abc&opacity=1:x,0:40,99&cut=90-40-2&palette=pink");
    expect(layers).toEqual(firstLayers());
    expect(colours).toEqual(firstColours());
    expect(parseAddress("?opacity=1:0,2:999").layers.velocity.opacity).toBe(0.1);
    expect(parseAddress("?cut=90-50").colours.lowPercentile).toBeNull();
  });

  it("takes any other map for the fine one", () => {
    expect(parseAddress("?map=world").map).toBe("fine");
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
