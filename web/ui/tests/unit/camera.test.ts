import { beforeEach, describe, expect, it } from "vitest";

import { Camera, NOW_SHARE, ZOOM_MAX, ZOOM_MIN } from "../../src/view/camera";

describe("camera", () => {
  let camera: Camera;
  beforeEach(() => {
    camera = new Camera();
    camera.resize(1000, 600);
    camera.now = 300;
    camera.followSpot(24_000, 0);
  });

  it("puts NOW at 70 % of the width and spot in the middle", () => {
    expect(camera.nowX).toBe(700);
    expect(NOW_SHARE).toBe(0.7);
    expect(camera.yOf(24_000)).toBe(300);
  });

  it("shows more prices where the cells of the map are larger", () => {
    const fine = camera.pxPerTick;
    camera.cellTicks = 10;
    expect(camera.pxPerTick).toBeCloseTo(fine / 10, 9);
    expect(camera.pxPerCell).toBe(fine);
    expect(camera.yOf(24_000)).toBe(300);
  });

  it("maps there and back", () => {
    for (const x of [0, 333.3, 700, 999]) expect(camera.xOf(camera.timeAt(x))).toBeCloseTo(x, 9);
    for (const y of [0, 123.4, 599]) expect(camera.yOf(camera.tickAt(y))).toBeCloseTo(y, 9);
  });

  it("draws column j over the second that ends at j: adjacent columns share an edge", () => {
    expect(camera.xOf(300)).toBe(camera.nowX);
    expect(camera.xOf(300) - camera.xOf(299)).toBeCloseTo(camera.pxPerSecond, 9);
  });

  it.each([1.3, 0.7, 100, 0.001])("zooms by %s about the pointer, each axis for itself", (factor) => {
    const tick = camera.tickAt(120);
    const time = camera.timeAt(250);
    camera.zoomPriceAt(factor, 120);
    expect(camera.tickAt(120)).toBeCloseTo(tick, 6);
    expect(camera.zoomX).toBe(1);
    camera.zoomTimeAt(factor, 250);
    expect(camera.timeAt(250)).toBeCloseTo(time, 6);
    for (const zoom of [camera.zoomX, camera.zoomY]) {
      expect(zoom).toBeGreaterThanOrEqual(ZOOM_MIN);
      expect(zoom).toBeLessThanOrEqual(ZOOM_MAX);
    }
  });

  it("pans with the pointer", () => {
    const tick = camera.tickAt(100);
    const time = camera.timeAt(100);
    camera.panPixels(40, 25);
    expect(camera.tickAt(125)).toBeCloseTo(tick, 9);
    expect(camera.timeAt(140)).toBeCloseTo(time, 9);
  });

  it("follows spot only beyond the slack, and not at all when told so", () => {
    expect(camera.followSpot(24_003, 0.1)).toBe(false);
    expect(camera.followSpot(24_020, 0.1)).toBe(true);
    expect(camera.centerTick).toBeGreaterThan(24_000);
    expect(camera.centerTick).toBeLessThan(24_020);
    camera.follow = false;
    expect(camera.followSpot(24_020, 0.1)).toBe(false);
  });

  it("comes to rest while following", () => {
    let frames = 0;
    while (camera.followSpot(24_025, 1 / 60)) {
      frames += 1;
      expect(frames).toBeLessThan(2000);
    }
    expect(Math.abs(camera.yOf(24_025) - 300)).toBeLessThanOrEqual(0.12 * 600 + 1e-6);
  });

  it("resets zoom, pan and centre", () => {
    camera.zoomPriceAt(2, 10);
    camera.panPixels(99, 99);
    camera.follow = false;
    camera.reset();
    camera.followSpot(24_100, 0);
    expect([camera.zoomX, camera.zoomY, camera.panSeconds, camera.follow]).toEqual([1, 1, 0, true]);
    expect(camera.yOf(24_100)).toBe(300);
  });
});
