/** Layers, colours, loops, jumps, pictures, judged forecasts; heap, hidden tab, accessibility. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";

import { PlayerPage, WIDTH, launch, until } from "./browser";
import { Picture, brightness } from "./picture";

const LIVELY = "symbol=ESH6&dt=2026-01-29";
const PATTERN = "symbol=ESH6&dt=2026-01-30";
const HELD = `${LIVELY}&time=09:40:00&paused=1`;
const WINDOW_10_MIN = 600;
/** Ten minutes of the session at 64×. */
const HIDDEN_MS = 9400;
/** Bytes that a heap may differ by without having grown. */
const HEAP_NOISE = 2_000_000;

/** A page whose frames are held back. */
interface Frozen {
  frames: FrameRequestCallback[];
  draw: typeof requestAnimationFrame;
}

describe("view", () => {
  let browser: Browser;
  let player: PlayerPage;
  beforeAll(async () => {
    browser = await launch();
    player = await PlayerPage.open(browser, `${inject("serviceUrl")}/?${HELD}`);
  });
  afterAll(() => browser.close());
  afterEach(() => {
    expect(player.complaints).toEqual([]);
  });

  /** The same page at another address: one graphics context and one cache for all. */
  async function go(query: string, page = ""): Promise<void> {
    await player.go(`${inject("serviceUrl")}/${page}?${query}`);
  }

  async function hold(query = HELD, window = WINDOW_10_MIN): Promise<void> {
    await go(query);
    await player.waitForState("PAUSED");
    await player.waitForWindow((seen) => seen === window);
  }

  const search = (): Promise<string> => player.page.evaluate(() => window.location.search);

  it("jumps to a time and says which times it cannot jump to", async () => {
    await hold();
    await player.page.keyboard.press("g");
    await player.page.keyboard.type("09:45:00");
    await player.page.keyboard.press("Enter");
    await player.waitForWindow((window) => window === 900);
    for (const wrong of ["16:00:00", "soon"]) {
      await player.page.getByLabel("Jump to a time").fill(wrong);
      await player.page.keyboard.press("Enter");
      await until(wrong, () => player.text("fault"), (seen) => seen.includes(wrong));
    }
    expect(await player.window()).toBe(900);
  });

  it("repeats a range, which is set and dropped by its key and kept in the address", async () => {
    await player.rewind("09:40:00");
    const loop = player.page.locator("#loop");
    await player.page.keyboard.press("l");
    expect(await loop.innerText()).toBe("Loop to…");
    for (let press = 0; press < 3; press++) await player.page.keyboard.press("ArrowRight");
    await player.waitForWindow((window) => window === WINDOW_10_MIN + 3);
    await player.page.keyboard.press("l");
    await until("the loop", search, (seen) => seen.includes("loop=09:40:00-09:40:03"));
    await player.page.selectOption("#speed", "8");
    await player.page.keyboard.press("Space");
    for (let round = 0; round < 2; round++) {
      await player.waitForWindow((window) => window >= WINDOW_10_MIN + 2);
      await player.waitForWindow((window) => window <= WINDOW_10_MIN + 1);
    }
    await player.page.keyboard.press("l");
    await player.waitForWindow((window) => window > WINDOW_10_MIN + 5);
    expect(await search()).not.toContain("loop");
  });

  it("keeps layers, colours and view in the address and opens with them", async () => {
    await hold();
    await player.page.keyboard.press("c");
    const panel = player.page.getByRole("region", { name: "Layers and colours" });
    await panel.waitFor();
    await player.page.getByRole("button", { name: "Trades" }).click();
    await player.page.getByLabel("Opacity of surface").fill("40");
    await player.page.selectOption("#palette", "safe");
    await player.page.selectOption("#colour-scale", "log");
    await player.page.getByLabel("Begins at percentile").fill("20");
    expect(await panel.getByRole("button", { name: "Options" }).getAttribute("class")).not.toBe("missing");
    await player.page.locator("#palette").press("Escape");
    await panel.waitFor({ state: "hidden" });
    await player.page.keyboard.press("]");
    const address = `?${LIVELY}&time=09:40:00&view=1.25,1,0&layers=1234689&opacity=1:40&palette=safe&log=1&cut=20-98&paused=1`;
    await until(address, search, (seen) => seen === address);
    await player.page.reload();
    await player.waitForState("PAUSED");
    await player.waitForWindow((window) => window === WINDOW_10_MIN);
    await player.settle();
    expect(await search()).toBe(address);
    expect(await player.text("legend-unit")).toContain("log");
    expect(await player.page.locator("#palette").inputValue()).toBe("safe");
  });

  it("pans by keys, and tells what the keys' crosshair points at", async () => {
    await hold(`${PATTERN}&time=09:32:00&paused=1`, 120);
    await player.page.keyboard.press("0");
    await player.page.keyboard.press("x");
    await until("the newest second", () => player.text("probe"), (seen) => seen.startsWith("09:32:00"));
    for (let press = 0; press < 2; press++) await player.page.keyboard.press("ArrowLeft");
    await player.page.keyboard.press("Shift+ArrowUp");
    for (let press = 0; press < 10; press++) await player.page.keyboard.press("ArrowUp");
    await until("the bright cell", () => player.text("probe"), (seen) => /^›.*ask {3}1\.0000/m.test(seen));
    expect(await player.text("probe")).toContain("09:31:58");
    expect(await player.page.locator("#probe").getAttribute("aria-live")).toBe("polite");
    await player.page.keyboard.press("x");
    await until("no crosshair", () => player.page.locator("#probe").isHidden(), (hidden) => hidden);
    expect(await player.window()).toBe(120);
    await player.page.keyboard.press("{");
    await player.page.keyboard.press("Shift+ArrowUp");
    // A tenth of the plot each way: to the past, and up from spot.
    const view = async (): Promise<number[]> => {
      const text = new URLSearchParams(await search()).get("view") ?? "";
      return text.split(",").map(Number);
    };
    await until("the pan", async () => (await view()).length, (count) => count === 4);
    const plot = (await player.page.locator("#plot").boundingBox())!;
    const [, , seconds, tick] = await view();
    expect(seconds).toBeCloseTo((0.1 * plot.width) / 8, 1);
    expect(tick! - 24_120).toBeCloseTo((0.1 * plot.height) / 9, 1);
  });

  it("takes fingers: one pans, two zoom the axis along which they lie apart", async () => {
    await hold();
    await player.page.keyboard.press("0");
    const touch = await player.page.context().newCDPSession(player.page);
    const fingers = (type: string, ...points: [number, number][]): Promise<unknown> =>
      touch.send("Input.dispatchTouchEvent", {
        type: type as "touchStart",
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    await fingers("touchStart", [300, 300], [400, 300]);
    await fingers("touchMove", [300, 300], [500, 300]);
    await fingers("touchEnd");
    const zoomed = (text: string): boolean => /view=2,1,/.test(text);
    await until("twice the time", search, zoomed);
    await fingers("touchStart", [300, 300]);
    for (const y of [310, 340, 390]) await fingers("touchMove", [300, y]);
    await fingers("touchEnd");
    // A finger that pans ends following: the address holds the middle tick.
    await until("the pan", search, (text) => /view=2,1,[^,]*,\d+/.test(text));
    await touch.detach();
  });

  it("saves the picture with legend and time", async () => {
    await hold();
    await player.waitForPicture();
    const downloading = player.page.waitForEvent("download");
    await player.page.keyboard.press("e");
    const file = await downloading;
    expect(file.suggestedFilename()).toBe("ESH6_2026-01-29_094000.png");
    const picture = new Picture(readFileSync(await file.path()));
    expect(picture.width).toBe(WIDTH);
    const brightest = (fromX: number, toX: number, fromY: number, toY: number): number => {
      let best = 0;
      for (let x = fromX; x < toX; x++) {
        for (let y = fromY; y < toY; y++) best = Math.max(best, brightness(picture.at(x, y)));
      }
      return best;
    };
    expect(brightest(14, 200, 8, 40)).toBeGreaterThan(500);
    expect(brightest(WIDTH - 240, WIDTH - 14, 20, 28)).toBeGreaterThan(300);
    expect(brightest(300, 600, 250, 400)).toBeGreaterThan(300);
  });

  it("shows depth and what was stacked beside the plot, price by price", async () => {
    // Window 120 of the pattern adds at tick +10 above spot, and holds no depth anywhere.
    await hold(`${PATTERN}&time=09:32:00&paused=1`, 120);
    await player.page.keyboard.press("0");
    await player.settle();
    const plot = (await player.page.locator("#plot").boundingBox())!;
    const picture = new Picture(await player.page.screenshot());
    const at = (tick: number): number =>
      brightness(picture.at(plot.x + plot.width + 98, plot.y + plot.height / 2 - tick * 9));
    const bright = 8 + 2 * (120 % 7);
    expect(at(bright)).toBeGreaterThan(300);
    for (const tick of [bright - 2, bright + 2, 0, -5]) expect(at(tick)).toBeLessThan(120);
    await player.page.keyboard.press("9");
    await until("more room", async () => (await player.page.locator("#plot").boundingBox())!.width, (width) => width > plot.width + 100);
  });

  it("draws past forecasts over what happened: hits cool, misses warm, nothing later than NOW judged", async () => {
    // The pattern always predicts a rise; five seconds later the mid has risen after even windows.
    await hold(`${PATTERN}&time=09:32:00&paused=1&layers=7&past=5`, 120);
    await player.page.keyboard.press("0");
    await until("hits", () => player.text("out-hits"), (seen) => /^5[01] %|^50 %|^49 %/.test(seen));
    expect(await player.text("out-judged")).toBe("+5 s, last 20 min");
    expect(await player.text("out-inside-90")).toBe("–");
    await player.settle();
    const plot = (await player.page.locator("#plot").boundingBox())!;
    const picture = new Picture(await player.page.screenshot());
    const nowX = plot.x + 0.7 * plot.width;
    const colourOf = (j: number): readonly [number, number, number] => {
      const tick = 3 * (j % 2) + 0.2 * 4;
      return picture.at(nowX + (j + 4 - 120) * 8, plot.y + plot.height / 2 - tick * 9);
    };
    for (const j of [90, 96, 102, 108]) {
      const [red, green] = colourOf(j);
      expect(green - red, `hit of ${j}`).toBeGreaterThan(60);
    }
    for (const j of [93, 99, 105, 111]) {
      const [red, green] = colourOf(j);
      expect(red - green, `miss of ${j}`).toBeGreaterThan(60);
    }
  });

  it("scores bands and confidence while it plays, and says what held-out days showed", async () => {
    // The lively session's bands held half and nine tenths of its mids; its confidence is 0.64 at +10 s.
    await hold(`${LIVELY}&time=09:48:00&paused=1`, 1080);
    const percent = async (id: string): Promise<number> => parseInt(await player.text(id));
    await until("the 90 % band", () => percent("out-inside-90"), (seen) => seen > 78);
    expect(Math.abs((await percent("out-inside-50")) - 50)).toBeLessThan(25);
    const brier = Number(await player.text("out-brier"));
    const right = (await percent("out-hits")) / 100;
    expect(brier).toBeCloseTo(right * 0.36 ** 2 + (1 - right) * 0.64 ** 2, 1);
    expect(await player.text("out-calibration")).toBe("calibrated");
    expect(await player.text("out-confidence")).toMatch(/^5\d %$/);
    expect(await player.text("out-verdict")).toContain("skill at 1 s, 2 s");
  });

  it("shows an equity in its own cells, cents and strikes", async () => {
    await hold("symbol=QQQ&dt=2026-01-29&time=09:35:00&paused=1", 300);
    await player.waitForPicture();
    expect(await player.page.locator("#product").inputValue()).toBe("equity_mbo");
    // Spot of an equity is its mid: the market is one cent wide, so that it ends in half a cent.
    const cents = Number(await player.text("out-spot")) * 100;
    expect(cents).toBeGreaterThan(60_000);
    expect(cents % 1).toBeCloseTo(0.5, 6);
    expect(await player.text("out-tick")).toBe(cents.toFixed(1));
    const plot = (await player.page.locator("#plot").boundingBox())!;
    await player.page.keyboard.press("0");
    await player.page.mouse.move(plot.x + 0.7 * plot.width - 4, plot.y + plot.height / 2);
    await until("a strike", () => player.text("probe"), (seen) => seen.includes("strike"));
    const told = await player.text("probe");
    // Three cells of five cents each, the middle one at spot, and the nearest whole dollar.
    const prices = [...told.matchAll(/^[› ] ([\d.]+) {2}bid/gm)].map(([, price]) => Math.round(Number(price) * 100));
    expect(prices.map((price) => price - prices[1]!)).toEqual([5, 0, -5]);
    expect(prices[1]! % 5).toBe(0);
    expect(Math.abs(prices[1]! - cents)).toBeLessThan(5);
    expect(told).toMatch(/strike 6\d\d\.00 {2}liquidity_velocity/);
    await player.page.selectOption("#product", "future_mbo");
    await until("the future", () => player.text("out-contract"), (seen) => seen.startsWith("ESH6"));
  });

  it("shows an equity's wide map: buckets over their prices, and the fine one again", async () => {
    await hold("symbol=QQQ&dt=2026-01-29&time=09:35:00&map=wide&layers=1&paused=1", 300);
    const map = player.page.getByRole("button", { name: "Wide map" });
    expect(await map.getAttribute("aria-pressed")).toBe("true");
    const plot = (await player.page.locator("#plot").boundingBox())!;
    // The only bright bucket of a window lies $2.00 above that of spot; a bucket is 9 px high.
    const spot = Number(await player.text("out-spot"));
    const bucket = Math.floor(spot / 0.5 + 0.5) * 0.5;
    const yOf = (dollars: number): number => plot.y + plot.height / 2 - (dollars - spot) * 18;
    const x = plot.x + 0.7 * plot.width - 4;
    await player.page.keyboard.press("0");
    const brightAt = async (dollars: number): Promise<number> => {
      await player.settle();
      return brightness(new Picture(await player.page.screenshot()).at(x, yOf(dollars)));
    };
    await until("the bucket", () => brightAt(bucket + 2), (seen) => seen > 400);
    for (const near of [bucket + 1.8, bucket + 2.2]) expect(await brightAt(near)).toBeGreaterThan(400);
    for (const beside of [bucket + 1.65, bucket + 2.35]) expect(await brightAt(beside)).toBeLessThan(170);
    await player.page.mouse.move(x, yOf(bucket + 2));
    const shown = (bucket + 2).toFixed(2);
    await until("its value", () => player.text("probe"), (seen) => seen.includes(`› ${shown}  bid   0.0000  ask   1.0000`));
    expect(await player.text("probe")).toContain(`  ${(bucket + 1.5).toFixed(2)}  bid`);
    await player.page.keyboard.press("m");
    await until("the fine map", search, (seen) => !seen.includes("map=wide"));
    expect(await map.getAttribute("aria-pressed")).toBe("false");
    await player.waitForState("PAUSED");
    await player.waitForWindow((window) => window === 300);
    await map.click();
    await until("the wide map", search, (seen) => seen.includes("map=wide"));
    await player.page.selectOption("#product", "future_mbo");
    await until("the future", () => player.text("out-contract"), (seen) => seen.startsWith("ESH6"));
    expect(await map.isHidden()).toBe(true);
  });

  it("is where playback is when its tab is shown after ten minutes, with no window lost", async () => {
    await go(`${LIVELY}&time=09:36:00&speed=64`);
    await player.waitForWindow((window) => window > 365);
    // What a browser does to a hidden tab: no frames, and it says so.
    await player.page.evaluate(() => {
      const scope = window as unknown as Frozen;
      scope.frames = [];
      scope.draw = window.requestAnimationFrame.bind(window);
      window.requestAnimationFrame = (callback) => scope.frames.push(callback);
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      // The frame that was asked for before still comes.
      return new Promise((done) => scope.draw(() => scope.draw(done)));
    });
    const hidden = await player.window();
    const began = performance.now();
    const passed = (): Promise<number> => Promise.resolve(performance.now() - began);
    await until("hidden seconds", passed, (ms) => ms > HIDDEN_MS, 2 * HIDDEN_MS);
    expect(await player.window()).toBe(hidden);
    await player.page.evaluate(() => {
      const scope = window as unknown as Frozen;
      window.requestAnimationFrame = scope.draw;
      Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      for (const callback of scope.frames) scope.draw(callback);
    });
    const expected = Math.min(1200, hidden + (64 * (performance.now() - began)) / 1000);
    await player.waitForWindow((window) => window > expected - 40, 2000);
    expect(await player.text("health")).toContain("dropped 0");
  });

  it("holds no more memory after fifty seeks", async () => {
    await hold();
    const session = await player.page.context().newCDPSession(player.page);
    const heap = async (): Promise<number> => {
      await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      return usedSize;
    };
    const seek = async (n: number): Promise<void> => {
      const share = ((n * 37) % 100) / 100;
      const box = (await player.page.locator("#scrubber").boundingBox())!;
      await player.page.mouse.click(box.x + 2 + share * (box.width - 4), box.y + 20);
      await player.waitForWindow((window) => Math.abs(window - share * 1200) < 8);
    };
    for (let n = 0; n < 4; n++) await seek(n);
    const before = await heap();
    for (let n = 4; n < 54; n++) await seek(n);
    expect((await heap()) - before).toBeLessThan(HEAP_NOISE);
    await session.detach();
  }, 120_000);

  it.each([
    ["player", "", HELD],
    ["particle wave", "particle-wave.html", "solver=cpu&columns=200&paused=1"],
  ])("has no serious finding of axe on the %s", async (_, page, query) => {
    await go(query, page);
    if (page === "") {
      await player.waitForState("PAUSED");
      await player.page.keyboard.press("c");
    }
    const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    await player.page.evaluate(source);
    const results = await player.page.evaluate(() =>
      (window as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
    );
    const grave = results.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
    expect(results.passes.length).toBeGreaterThan(10);
  });
});
