/** A real Chromium with software WebGL 2, and the player's page in it. */

import { existsSync } from "node:fs";
import sparticuz from "@sparticuz/chromium";
import { type Browser, type Page, chromium } from "playwright-core";

import { Picture, brightness } from "./picture";

const SYSTEM_BROWSERS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** Software rendering everywhere, and no connection that the page itself does not open. */
const ARGUMENTS = [
  "--no-sandbox",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--ignore-gpu-blocklist",
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const WIDTH = 1100;
export const HEIGHT = 640;

/** Start CHROMIUM_PATH, else a system browser, else the one that npm brought. */
export async function launch(): Promise<Browser> {
  const given = process.env["CHROMIUM_PATH"];
  const system = SYSTEM_BROWSERS.find((path) => existsSync(path));
  const executablePath = given ?? system ?? (await sparticuz.executablePath());
  return chromium.launch({ executablePath, args: ARGUMENTS, headless: true });
}

/** Wait until what is looked at fits; throws with what was seen last. */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  fits: (seen: T) => boolean,
  timeout = 10_000,
): Promise<void> {
  const began = performance.now();
  for (;;) {
    const seen = await look();
    if (fits(seen)) return;
    if (performance.now() - began > timeout) {
      throw new Error(`waited ${timeout} ms for ${what}; last seen: ${String(seen)}`);
    }
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** The player in its own context; what the page complains about fails the test at `close`. */
export class PlayerPage {
  readonly page: Page;
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
  }

  static async open(browser: Browser, url: string, scale = 1): Promise<PlayerPage> {
    const context = await browser.newContext({
      viewport: { width: WIDTH, height: HEIGHT },
      deviceScaleFactor: scale,
    });
    const opened = new PlayerPage(await context.newPage());
    await opened.page.goto(url);
    return opened;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  text(id: string): Promise<string> {
    return this.page.locator(`#${id}`).innerText();
  }

  async window(): Promise<number> {
    return Number((await this.text("out-window")).split("/")[0]) - 1;
  }

  waitForState(state: string, timeout = 10_000): Promise<void> {
    return until(`state ${state}`, () => this.text("state"), (seen) => seen === state, timeout);
  }

  async waitForWindow(matches: (window: number) => boolean, timeout = 10_000): Promise<number> {
    let window = NaN;
    const look = async (): Promise<number> => (window = await this.window());
    await until("a window", look, matches, timeout);
    return window;
  }

  /** Show another address in the same tab: its graphics context and cache are warm. */
  async go(url: string): Promise<void> {
    await this.page.goto(url);
  }

  /** Go back to a time of the session that is held, in the first view: cheaper than to open it anew. */
  async rewind(time: string): Promise<void> {
    await this.page.getByLabel("Jump to a time").fill(time);
    await this.page.keyboard.press("Enter");
    await this.page.locator("#plot").press("0");
    await until(time, () => this.text("out-time"), (seen) => seen === time);
  }

  /** Wait until the heat map is drawn around spot, left of NOW, with its history. */
  async waitForPicture(): Promise<void> {
    const lit = async (): Promise<number> => {
      await this.settle();
      const picture = new Picture(await this.page.screenshot());
      let count = 0;
      for (let x = 320; x < 620; x += 5) {
        for (let y = 230; y < 430; y += 5) if (brightness(picture.at(x, y)) > 250) count += 1;
      }
      return count;
    };
    await until("a picture", lit, (count) => count > 40);
  }

  /** Wait until the picture has stood still for two frames. */
  async settle(): Promise<void> {
    await this.page.evaluate(
      () =>
        new Promise<void>((done) => {
          requestAnimationFrame(() => {
            requestAnimationFrame(() => {
              done();
            });
          });
        }),
    );
  }
}
