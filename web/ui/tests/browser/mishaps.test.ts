/** What goes wrong while a session plays: the service dies, tables are replaced, the lake vanishes. */

import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { PlayerPage, launch, until } from "./browser";
import { type Service, republish, startService } from "./service";

// The pattern session of tests/web/ui/market.py: 181 windows from 09:30:00 on.
const PATTERN = "symbol=ESH6&dt=2026-01-30";
const RECONNECT_MS = 3000;

describe("mishaps", () => {
  let folder: string;
  let lake: string;
  let browser: Browser;
  let player: PlayerPage;
  let service: Service;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "spymaster-mishaps-"));
    lake = join(folder, "lake");
    await republish(lake, 1);
    [browser, service] = await Promise.all([launch(), startService(lake)]);
    player = await PlayerPage.open(browser, "about:blank");
  });
  afterAll(async () => {
    await browser.close();
    await service.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const fault = (): Promise<string> => player.text("fault");

  async function play(query: string): Promise<void> {
    await player.go(`${service.url}/?${PATTERN}&${query}`);
    await player.waitForState("LIVE");
  }

  async function seek(share: number): Promise<void> {
    const box = (await player.page.locator("#scrubber").boundingBox())!;
    await player.page.mouse.click(box.x + share * box.width, box.y + box.height / 2);
  }

  /** Brightness of the cell of window 118 as the crosshair tells it. */
  async function probe(): Promise<string> {
    await player.page.getByLabel("Jump to a time").fill("09:32:00");
    await player.page.keyboard.press("Enter");
    await player.waitForWindow((window) => window === 120);
    await player.page.locator("#plot").press("0");
    const plot = (await player.page.locator("#plot").boundingBox())!;
    const x = plot.x + 0.7 * plot.width - 2.5 * 8;
    const y = plot.y + plot.height / 2 - (8 + 2 * (118 % 7)) * 9;
    await player.page.mouse.move(x + 1, y);
    await player.page.mouse.move(x, y);
    await until("the cell", () => player.text("probe"), (seen) => seen.includes("09:31:58"));
    return player.text("probe");
  }

  it("comes back within three seconds of the service, playing on from the same window", async () => {
    await play("time=09:30:30&speed=2");
    await player.waitForWindow((window) => window > 33);
    await service.kill();
    await player.waitForState("RECONNECTING");
    const held = await player.window();
    await until("a reason", fault, (seen) => seen.includes("interrupted: the service does not answer"));
    service = await startService(lake, service.port);
    const began = performance.now();
    await player.waitForState("LIVE");
    expect(performance.now() - began).toBeLessThan(RECONNECT_MS);
    expect(await player.window()).toBeLessThan(held + 8);
    await player.waitForWindow((window) => window > held + 8);
    expect(await player.text("health")).toContain("dropped 0");
    expect(await player.page.locator("#fault").isHidden()).toBe(true);
  });

  it("goes on at the same window when the session is published anew, with nothing of the old", async () => {
    await play("time=09:30:20&speed=0.25");
    await player.waitForWindow((window) => window >= 20);
    await republish(lake, 0.5);
    // What came before the new place is not held: its tiles are another version's by now.
    await player.page.keyboard.press("Space");
    await seek(0.9);
    await player.waitForState("PAUSED");
    await player.waitForWindow((window) => Math.abs(window - 162) < 3);
    await until("the new table", probe, (seen) => seen.includes("ask   0.5000"));
    expect(await player.text("health")).toContain("dropped 0");
  });

  it("says that the lake has gone, plays what is open, and mends when the lake is back", async () => {
    await play("time=09:30:05&speed=1&view=0.125,1,0");
    await player.waitForWindow((window) => window >= 6);
    renameSync(lake, `${lake}-away`);
    await seek(0.97);
    await until("a fault", fault, (seen) => seen !== "");
    renameSync(`${lake}-away`, lake);
    await until("the mended picture", () => player.page.locator("#fault").isHidden(), (hidden) => hidden, 15_000);
    await player.waitForWindow((window) => window > 170);
  });
});
