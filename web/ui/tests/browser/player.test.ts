/** The player against the real service: transport, seek, keys, address, reconnect. */

import type { Browser, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";

import { HEIGHT, PlayerPage, WIDTH, launch, until } from "./browser";
import { Picture, brightness } from "./picture";

const LIVELY = "symbol=ESH6&dt=2026-01-29";
const LAST_WINDOW = 1200;
const SECONDS_10_MIN = 600;

describe("player", () => {
  let browser: Browser;
  let player: PlayerPage;
  beforeAll(async () => {
    browser = await launch();
    player = await PlayerPage.open(browser, "about:blank");
  });
  afterAll(() => browser.close());
  afterEach(() => {
    expect(player.complaints.splice(0)).toEqual([]);
  });

  async function open(query: string): Promise<void> {
    await player.go(`${inject("serviceUrl")}/?${query}`);
  }

  /** The lively session held at 09:40:00; the page stays if it holds that session already. */
  async function holdAgain(): Promise<void> {
    const kept = player.page.url().includes(LIVELY) && (await player.text("state")) === "PAUSED";
    if (kept) await player.rewind("09:40:00");
    else await openPaused();
    await player.waitForWindow((window) => window === SECONDS_10_MIN);
  }

  async function openPaused(): Promise<void> {
    await open(`${LIVELY}&time=09:40:00&paused=1`);
    await player.waitForState("PAUSED");
    await player.waitForWindow((window) => window === SECONDS_10_MIN);
  }

  it("plays the newest session from its open when nothing is asked for", async () => {
    await open("");
    await player.waitForState("LIVE");
    await player.waitForWindow((window) => window >= 2);
    expect(await player.text("out-contract")).toContain("ESH6 · 2026-01-30");
    expect(await player.text("out-spot")).toMatch(/^6,03\d\.\d\d$/);
    expect(await player.text("out-zone")).toBe("New York (EST)");
    expect(await player.text("out-calibration")).toBe("uncalibrated");
    expect(await player.text("out-confidence")).toBe("uncalibrated");
    expect(await player.text("out-run-up")).toBe("+0.250");
    // The touch is three ticks higher in every other window.
    expect(await player.text("out-wall-down")).toMatch(/^11 · 6,027\.(00|75)$/);
  });

  it("holds, steps and goes on", async () => {
    await openPaused();
    await player.page.getByRole("button", { name: "Forward 1 window", exact: true }).click();
    await player.waitForWindow((window) => window === SECONDS_10_MIN + 1);
    await player.page.getByRole("button", { name: "Back 10 windows" }).click();
    await player.waitForWindow((window) => window === SECONDS_10_MIN - 9);
    for (let press = 0; press < 12; press++) await player.page.keyboard.press("ArrowRight");
    await player.waitForWindow((window) => window === SECONDS_10_MIN + 3);
    await player.page.keyboard.press("Shift+ArrowRight");
    await player.waitForWindow((window) => window === SECONDS_10_MIN + 13);
    expect(await player.text("state")).toBe("PAUSED");
    await player.page.keyboard.press("Space");
    await player.waitForState("LIVE");
    await player.waitForWindow((window) => window > SECONDS_10_MIN + 14);
    await player.page.getByRole("button", { name: "Pause" }).click();
    await player.waitForState("PAUSED");
  });

  it("draws every window once and in order at 64×, to the end, and starts anew from there", async () => {
    await open(`${LIVELY}&time=09:47:00&speed=64`);
    await player.waitForState("ENDED", 20_000);
    await player.waitForWindow((window) => window === LAST_WINDOW);
    expect(await player.text("health")).toContain("dropped 0");
    await player.page.keyboard.press("Home");
    await player.waitForWindow((window) => window === 0);
    await player.waitForState("PAUSED");
  });

  it("changes speed from keys and from the list", async () => {
    await open(`${LIVELY}&time=09:35:00`);
    await player.waitForWindow((window) => window >= 300);
    await player.page.keyboard.press(">");
    await until("2×", () => player.text("out-speed"), (seen) => seen === "2×");
    await player.page.selectOption("#speed", "32");
    // From where the new speed is in force; on slow graphics a frame holds several windows.
    const start = await player.window();
    const from = await player.waitForWindow((window) => window > start + 24);
    const began = performance.now();
    const to = await player.waitForWindow((window) => window > from + 128);
    const speed = (to - from) / ((performance.now() - began) / 1000);
    expect(speed).toBeGreaterThan(20);
    expect(speed).toBeLessThan(48);
    expect(await player.text("health")).toContain("dropped 0");
  });

  it("seeks where the scrubber is clicked and shows what came before", async () => {
    await holdAgain();
    const box = (await player.page.locator("#scrubber").boundingBox())!;
    await player.page.mouse.click(box.x + box.width * 0.75, box.y + box.height / 2);
    const window = await player.waitForWindow((seen) => seen !== SECONDS_10_MIN);
    expect(Math.abs(window - 0.75 * LAST_WINDOW)).toBeLessThan(5);
    await player.waitForPicture();
    await player.page.locator("#scrubber").press("End");
    await player.waitForWindow((seen) => seen === LAST_WINDOW);
  });

  it("keeps itself in the address, which opens at the same place", async () => {
    await openPaused();
    await player.page.selectOption("#field", "u_wave_energy");
    await player.page.selectOption("#speed", "4");
    await player.page.keyboard.press("ArrowRight");
    await player.waitForWindow((window) => window === SECONDS_10_MIN + 1);
    const address = `?${LIVELY}&time=09:40:01&speed=4&field=u_wave_energy&paused=1`;
    const search = (): Promise<string> => player.page.evaluate(() => window.location.search);
    await until(address, search, (seen) => seen === address);
    await player.page.reload();
    await player.waitForState("PAUSED");
    await player.waitForWindow((window) => window === SECONDS_10_MIN + 1);
    expect(await player.text("out-time")).toBe("09:40:01");
    expect(await player.text("out-speed")).toBe("4×");
    expect(await player.text("legend-title")).toBe("Wave energy");
  });

  it("restarts from nothing: session's open, first view, playing", async () => {
    await holdAgain();
    await player.page.keyboard.press("f");
    await player.page.keyboard.press("+");
    expect(await player.page.locator("#follow").getAttribute("aria-pressed")).toBe("false");
    await player.page.getByRole("button", { name: "Restart Stream" }).click();
    await player.waitForState("LIVE");
    await player.waitForWindow((window) => window < 20);
    expect(await player.page.locator("#follow").getAttribute("aria-pressed")).toBe("true");
    const picture = new Picture(await player.page.screenshot());
    expect(brightness(picture.at(500, 300))).toBeLessThan(120);
  });

  it("opens another date from the list", async () => {
    await holdAgain();
    await player.page.selectOption("#date", "2026-01-30");
    await until("2026-01-30", () => player.text("out-contract"), (seen) => seen.includes("2026-01-30"));
    await player.waitForState("LIVE");
    await until("/ 181", () => player.text("out-window"), (seen) => seen.includes("/ 181"));
  });

  it("shows a session's prices alone where no surface is published yet, and asks for them once", async () => {
    const asked: string[] = [];
    const listen = (request: Request): void => {
      if (request.url().includes("/tiles/")) asked.push(request.url());
    };
    player.page.on("request", listen);
    await open("symbol=ESH6&dt=2026-01-28&time=09:32:00&paused=1");
    await player.waitForState("PAUSED");
    await player.waitForWindow((window) => window === 120);
    expect(await player.text("fault")).toContain("no liquidity surface yet");
    expect(await player.text("out-spot")).toBe("6,030.00");
    expect(await player.text("out-calibration")).toBe("none yet");
    const plot = (await player.page.locator("#plot").boundingBox())!;
    await player.page.mouse.move(plot.x + 0.1 * plot.width, plot.y + plot.height / 2);
    await until("what came before", () => player.text("probe"), (seen) => seen.includes("best 6,0"));
    await player.settle();
    await player.settle();
    player.page.off("request", listen);
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it("reads out the cell under the pointer and zooms about it", async () => {
    await open("symbol=ESH6&dt=2026-01-30&time=09:32:00&paused=1");
    await player.waitForState("PAUSED");
    await player.page.keyboard.press("0");
    const plot = (await player.page.locator("#plot").boundingBox())!;
    // The middle of window 118 lies 2.5 columns of 8 px left of NOW, its bright cell 9 px a tick up.
    const x = plot.x + 0.7 * plot.width - 2.5 * 8;
    const y = plot.y + plot.height / 2 - (8 + 2 * (118 % 7)) * 9;
    await player.page.mouse.move(x, y);
    await until("ask   1.0000", () => player.text("probe"), (seen) => seen.includes("ask   1.0000"));
    const before = await player.text("probe");
    expect(before).toContain("09:31:58");
    await player.page.mouse.wheel(0, -500);
    await player.settle();
    await player.page.keyboard.down("Control");
    await player.page.mouse.wheel(0, -500);
    await player.page.keyboard.up("Control");
    await player.settle();
    expect(await player.text("probe")).toBe(before);
  });

  it("pans by dragging, which ends following, and resets on a double click", async () => {
    await holdAgain();
    const follow = player.page.locator("#follow");
    await player.page.mouse.move(WIDTH / 2, HEIGHT / 2);
    await player.page.mouse.down();
    await player.page.mouse.move(WIDTH / 2 + 80, HEIGHT / 2 + 60, { steps: 4 });
    await player.page.mouse.up();
    expect(await follow.getAttribute("aria-pressed")).toBe("false");
    await player.page.mouse.dblclick(WIDTH / 2, HEIGHT / 2);
    await until("following", () => follow.getAttribute("aria-pressed"), (seen) => seen === "true");
  });

  it("lists its keys", async () => {
    await holdAgain();
    await player.page.keyboard.press("?");
    const sheet = player.page.getByRole("dialog", { name: "Keys and gestures" });
    await sheet.waitFor();
    expect(await sheet.innerText()).toContain("Follow spot");
    await player.page.keyboard.press("Escape");
    await sheet.waitFor({ state: "hidden" });
    expect(await player.window()).toBe(SECONDS_10_MIN);
  });

  it("draws the same picture after the graphics context was lost", async () => {
    await holdAgain();
    await player.waitForPicture();
    const told = await player.page.evaluate(async () => {
      const canvas = document.querySelector<HTMLCanvasElement>("#plot")!;
      const extension = canvas.getContext("webgl2")!.getExtension("WEBGL_lose_context")!;
      const event = (name: string): Promise<unknown> =>
        new Promise((done) => {
          canvas.addEventListener(name, done, { once: true });
        });
      const lost = event("webglcontextlost");
      extension.loseContext();
      await lost;
      const told = document.querySelector("#fault-text")!.textContent;
      // A context may be restored only once the event of its loss is over.
      await new Promise((done) => setTimeout(done));
      const back = event("webglcontextrestored");
      extension.restoreContext();
      await back;
      return told;
    });
    expect(told).toContain("graphics card");
    expect(await player.page.locator("#fault").isHidden()).toBe(true);
    await player.waitForPicture();
  });

  it("says what it cannot open", async () => {
    await open("symbol=NQH6&dt=2026-01-29");
    await until("no session of NQH6", () => player.text("fault"), (seen) => seen.includes("no session of NQH6"));
    // The browser itself reports the refused request.
    player.complaints.length = 0;
    // Nothing is chosen, so that anything can be: also the first entry of a list.
    expect(await player.page.locator("#symbol").inputValue()).toBe("");
    await player.page.selectOption("#symbol", "ESH6");
    await player.waitForState("LIVE");
    expect(await player.text("out-contract")).toContain("ESH6 · 2026-01-30");
    expect(await player.page.locator("#fault").isHidden()).toBe(true);
  });

  it("asks for a root's contract on its newest day, which the selection of this lake does not name", async () => {
    await open("symbol=ES");
    await until("ES", () => player.text("fault"), (seen) => seen.includes("ES on 2026-01-30 cannot be opened"));
    player.complaints.length = 0;
  });

  it("says when a time is not within the session and plays from the open", async () => {
    await open(`${LIVELY}&time=15:00:00`);
    await player.waitForState("LIVE");
    expect(await player.text("fault")).toContain("15:00:00 is not within the session");
  });
});
