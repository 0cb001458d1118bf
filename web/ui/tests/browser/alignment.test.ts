/** Column j, its spot, quotes, trades and forecast lie over the second that ends at window j. */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { Camera } from "../../src/view/camera";
import { PlayerPage, launch, until } from "./browser";
import { Picture, type Rgb, brightness } from "./picture";

// The pattern session of tests/web/ui/market.py.
const FIRST_TICK = 24_120;
const WINDOW = 120;
const spotOf = (j: number): number => FIRST_TICK + 3 * (j % 2);
const brightTickOf = (j: number): number => FIRST_TICK + 8 + 2 * (j % 7);
const pathOf = (horizon: number): number => spotOf(WINDOW) + 0.2 * horizon;

const FIRST_VISIBLE = 60;
/** $5 of $0.25 ticks. */
const STRIKE_STEP = 20;
const LIT_STRIKE = FIRST_TICK + STRIKE_STEP;
const LAYER_KEYS = { velocity: "1", options: "2", spot: "3", quotes: "4", trades: "5", forecast: "6", past: "7" };

const BRIGHT = 480;
const DARK = 170;

describe("alignment", () => {
  let browser: Browser;
  let player: PlayerPage;
  let camera: Camera;
  beforeAll(async () => {
    browser = await launch();
    [player, camera] = await open(1);
  });
  afterAll(() => browser.close());

  /** The pattern session, paused at WINDOW, spot in the middle, its history loaded. */
  async function open(scale: number): Promise<[PlayerPage, Camera]> {
    const url = `${inject("serviceUrl")}/?symbol=ESH6&dt=2026-01-30&time=09:32:00&paused=1`;
    const opened = await PlayerPage.open(browser, url, scale);
    await opened.waitForState("PAUSED");
    await opened.waitForWindow((window) => window === WINDOW);
    await opened.page.keyboard.press("0");
    // The panels lie over the picture.
    await opened.page.evaluate(() => {
      for (const panel of document.querySelectorAll<HTMLElement>(".panel")) panel.hidden = true;
    });
    const view = new Camera();
    const box = (await opened.page.locator("#plot").boundingBox())!;
    view.resize(box.width, box.height);
    view.now = WINDOW;
    view.followSpot(spotOf(WINDOW), 0);
    await until(
      "history left of NOW",
      async () => {
        const pixel = await shoot(opened, scale);
        const tick = brightTickOf(FIRST_VISIBLE);
        return brightness(pixel(view.xOf(FIRST_VISIBLE - 0.5), view.yOf(tick)));
      },
      (seen) => seen > BRIGHT,
    );
    return [opened, view];
  }

  async function showOnly(layer: keyof typeof LAYER_KEYS): Promise<void> {
    for (const [name, key] of Object.entries(LAYER_KEYS)) {
      const button = player.page.locator("#layers button").nth(Number(key) - 1);
      const shown = (await button.getAttribute("aria-pressed")) === "true";
      if (shown !== (name === layer)) await player.page.keyboard.press(key);
    }
  }

  async function shoot(shown: PlayerPage, scale = 1): Promise<(x: number, y: number) => Rgb> {
    await shown.settle();
    const box = (await shown.page.locator("#plot").boundingBox())!;
    const picture = new Picture(await shown.page.screenshot());
    return (x, y) => picture.at((box.x + x) * scale, (box.y + y) * scale);
  }

  function expectColumns(pixel: (x: number, y: number) => Rgb, from: number, camera: Camera): void {
    for (let j = from; j <= WINDOW; j++) {
      const tick = brightTickOf(j);
      const [left, right] = [camera.xOf(j - 1), camera.xOf(j)];
      const [top, bottom] = [camera.yOf(tick + 0.5), camera.yOf(tick - 0.5)];
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      for (const [inX, inY] of [[x, y], [left + 1.5, y], [right - 1.5, y], [x, top + 1.5], [x, bottom - 1.5]] as const) {
        expect(brightness(pixel(inX, inY)), `window ${j} at ${inX}, ${inY}`).toBeGreaterThan(BRIGHT);
      }
      for (const [outX, outY] of [[left - 1.5, y], [right + 1.5, y], [x, top - 1.5], [x, bottom + 1.5]] as const) {
        if (Math.abs(outX - camera.nowX) < 2) continue;
        expect(brightness(pixel(outX, outY)), `beside window ${j}`).toBeLessThan(DARK);
      }
    }
  }

  it("fills each cell's second and tick", async () => {
    await showOnly("velocity");
    expectColumns(await shoot(player), FIRST_VISIBLE, camera);
  });

  it("does so on a screen of two pixels a point", async () => {
    const [fine, view] = await open(2);
    for (const key of ["2", "3", "4", "5", "6"]) await fine.page.keyboard.press(key);
    expectColumns(await shoot(fine, 2), FIRST_VISIBLE, view);
    await fine.close();
  });

  it("keeps cells over their seconds when zoomed in time and price", async () => {
    await showOnly("velocity");
    for (const key of ["]", "]", "+"]) await player.page.keyboard.press(key);
    camera.zoomTimeAt(1.25, camera.nowX);
    camera.zoomTimeAt(1.25, camera.nowX);
    camera.zoomPriceAt(1.25, camera.height / 2);
    expectColumns(await shoot(player), WINDOW - 30, camera);
    await player.page.keyboard.press("0");
    camera.reset();
    camera.followSpot(spotOf(WINDOW), 0);
  });

  it("shows nothing of the future", async () => {
    await showOnly("velocity");
    const pixel = await shoot(player);
    for (let j = WINDOW + 1; j < WINDOW + 12; j++) {
      const at = pixel(camera.xOf(j - 0.5), camera.yOf(brightTickOf(j)));
      expect(brightness(at)).toBeLessThan(DARK);
    }
  });

  it("draws spot over its own second", async () => {
    await showOnly("spot");
    const pixel = await shoot(player);
    for (let j = FIRST_VISIBLE; j <= WINDOW; j++) {
      for (const x of [camera.xOf(j - 1) + 3, camera.xOf(j - 0.5), camera.xOf(j) - 3]) {
        expect(brightness(pixel(x, camera.yOf(spotOf(j)))), `spot of ${j}`).toBeGreaterThan(BRIGHT);
        expect(brightness(pixel(x, camera.yOf(spotOf(j + 1)))), `not in ${j}`).toBeLessThan(DARK);
      }
    }
  });

  it("draws the touch over its own second, bids green and asks red", async () => {
    await showOnly("quotes");
    const pixel = await shoot(player);
    for (let j = FIRST_VISIBLE; j < WINDOW; j++) {
      const x = camera.xOf(j - 0.5);
      const [bidRed, bidGreen] = pixel(x, camera.yOf(spotOf(j) - 1));
      const [askRed, askGreen] = pixel(x, camera.yOf(spotOf(j) + 1));
      expect(bidGreen - bidRed, `bid of ${j}`).toBeGreaterThan(40);
      expect(askRed - askGreen, `ask of ${j}`).toBeGreaterThan(40);
    }
  });

  it("draws what traded in the middle of its second, at the side it took", async () => {
    await showOnly("trades");
    const pixel = await shoot(player);
    for (let j = FIRST_VISIBLE; j < WINDOW; j++) {
      const x = camera.xOf(j - 0.5);
      const ask = pixel(x, camera.yOf(spotOf(j) + 1));
      const bid = pixel(x, camera.yOf(spotOf(j) - 1));
      if (j % 4 === 0) expect(ask[1] - ask[0], `bought in ${j}`).toBeGreaterThan(30);
      else if (j % 4 === 2) expect(bid[0] - bid[1], `sold in ${j}`).toBeGreaterThan(30);
      else expect(brightness(ask) + brightness(bid), `nothing in ${j}`).toBeLessThan(2 * DARK);
    }
  });

  it("draws options as bars with soft edges over their strikes, up to NOW", async () => {
    await showOnly("options");
    await player.page.selectOption("#field", "Omega");
    // Their range is measured less often than they are drawn.
    const lit = async (): Promise<number> => {
      const pixel = await shoot(player);
      return brightness(pixel(camera.xOf(WINDOW - 20.5), camera.yOf(LIT_STRIKE)));
    };
    await until("the strike", lit, (seen) => seen > BRIGHT);
    const pixel = await shoot(player);
    for (let j = FIRST_VISIBLE; j <= WINDOW; j++) {
      const at = (tick: number): number => brightness(pixel(camera.xOf(j - 0.5), camera.yOf(tick)));
      const soft = [at(LIT_STRIKE), at(LIT_STRIKE + 2), at(LIT_STRIKE + 4)] as const;
      expect(soft[0], `strike in ${j}`).toBeGreaterThan(BRIGHT);
      expect(soft[1], `edge in ${j}`).toBeLessThan(soft[0]);
      expect(soft[2], `foot in ${j}`).toBeLessThan(soft[1]);
      for (const dark of [LIT_STRIKE - STRIKE_STEP / 2, LIT_STRIKE - STRIKE_STEP]) {
        expect(at(dark), `beside the strike in ${j}`).toBeLessThan(DARK);
      }
    }
    expect(brightness(pixel(camera.xOf(WINDOW + 1.5), camera.yOf(LIT_STRIKE)))).toBeLessThan(DARK);
    await player.page.selectOption("#field", "liquidity_velocity");
  });

  it("draws the forecast from NOW to +30 s at the predicted prices", async () => {
    await showOnly("forecast");
    const pixel = await shoot(player);
    for (let horizon = 1; horizon < 30; horizon++) {
      const x = camera.xOf(WINDOW + horizon);
      const [red, , blue] = pixel(x, camera.yOf(pathOf(horizon)));
      expect(red - blue, `+${horizon} s`).toBeGreaterThan(60);
      expect(brightness(pixel(x, camera.yOf(pathOf(horizon) + 2)))).toBeLessThan(DARK + 60);
    }
    expect(brightness(pixel(camera.xOf(WINDOW + 31.5), camera.yOf(pathOf(31.5))))).toBeLessThan(DARK);
  });
});
