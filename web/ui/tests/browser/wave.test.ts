/** The particle wave page from the real service, and its two solvers beside each other. */

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";

import { PlayerPage, launch, until } from "./browser";
import { openBundle } from "./bundle";
import { Picture } from "./picture";
import type { Twins } from "./wave_twins";

describe("particle wave", () => {
  let browser: Browser;
  let wave: PlayerPage;
  beforeAll(async () => {
    browser = await launch();
    wave = await PlayerPage.open(browser, "about:blank");
  });
  afterAll(() => browser.close());
  afterEach(() => {
    expect(wave.complaints.splice(0)).toEqual([]);
  });

  async function open(query: string): Promise<void> {
    await wave.go(`${inject("serviceUrl")}/particle-wave.html?${query}`);
  }

  const seconds = async (): Promise<number> => parseFloat(await wave.text("out-time"));

  it("is the same on the graphics card and on the processor", async () => {
    const page = await openBundle(browser, "wave_twins.ts");
    const twins = await page.evaluate(() => (window as unknown as { compare: () => Twins }).compare());
    await page.close();
    expect(twins.cells).toBeGreaterThan(200);
    expect(twins.cpu.largest).toBeGreaterThan(0.8);
    expect(twins.displacement).toBeLessThan(2e-4);
    expect(twins.intensity).toBeLessThan(2e-4);
    expect(twins.gpu.time).toBeCloseTo(twins.cpu.time, 9);
    for (const figure of ["largest", "kinetic", "potential"] as const) {
      expect(twins.gpu[figure] / twins.cpu[figure]).toBeCloseTo(1, 3);
    }
  });

  it.each(["gpu", "cpu"])("runs, holds, steps and restarts on the %s", async (solver) => {
    await open(`solver=${solver}&columns=200`);
    await until("time to pass", seconds, (time) => time > 0.3, 20_000);
    const picture = new Picture(await wave.page.locator("#stage").screenshot());
    const warmth = Array.from({ length: 120 }, (_, x) => {
      const [red, , blue] = picture.at(45 + x, 120);
      return Math.abs(red - blue);
    });
    expect(Math.max(...warmth)).toBeGreaterThan(60);
    await wave.page.keyboard.press("Space");
    await wave.page.getByRole("button", { name: "Go on" }).waitFor();
    await wave.page.getByRole("button", { name: "Restart" }).click();
    await until("rest", seconds, (time) => time === 0);
    for (let press = 0; press < 12; press++) await wave.page.keyboard.press(".");
    // Twelve steps of 0.92 of the stable 7.07 ms.
    await until("twelve steps", seconds, (time) => time === 0.08);
    expect(await wave.text("engine")).toContain(solver === "gpu" ? "graphics card" : "processor");
  });

  it("says which value followed, keeps itself in the address and opens there again", async () => {
    await open("solver=cpu&columns=200&paused=1");
    await wave.page.getByLabel("Wavelength in numbers").fill("20");
    await wave.page.keyboard.press("Enter");
    const coupling = wave.page.locator(".coupling");
    await until("the frequency", () => coupling.innerText(), (seen) => seen.includes("frequency updated"));
    expect(await coupling.innerText()).toContain("10 units/s = 20 units × 0.5 Hz");
    await wave.page.getByLabel("Viscosity", { exact: false }).first().focus();
    await wave.page.keyboard.press("End");
    await wave.page.getByRole("button", { name: "Permeability", exact: true }).click();
    const address = "?wavelength=20&frequency=0.5&viscosity=1&view=permeability&columns=200&solver=cpu&paused=1";
    await until(address, () => wave.page.evaluate(() => window.location.search), (seen) => seen === address);
    await wave.page.reload();
    expect(await wave.page.getByLabel("Frequency in numbers").inputValue()).toBe("0.5");
    expect(await wave.page.locator('#views [aria-pressed="true"]').innerText()).toBe("Permeability");
    await wave.page.getByRole("button", { name: "Reset viscosity" }).click();
    expect(await wave.page.getByLabel("Viscosity in numbers").inputValue()).toBe("0");
  });

  it("reads out the point under the pointer and lets the object be dragged", async () => {
    await open("solver=cpu&columns=200&paused=1");
    const box = (await wave.page.locator("#field").boundingBox())!;
    const at = (x: number, y: number): [number, number] => [
      box.x + (x / 20) * box.width,
      box.y + (1 - y / 10) * box.height,
    ];
    await wave.page.mouse.move(...at(10, 5));
    await until("inside", () => wave.text("reading"), (seen) => seen.includes("density       0.500"));
    expect(await wave.text("reading")).toContain("distance     −1.000");
    await wave.page.mouse.down();
    await wave.page.mouse.move(...at(14, 7), { steps: 3 });
    await wave.page.mouse.up();
    const number = async (name: string): Promise<number> =>
      Number(await wave.page.getByLabel(`${name} in numbers`).inputValue());
    expect(await number("Object x")).toBeCloseTo(14, 0);
    expect(await number("Object y")).toBeCloseTo(7, 0);
    await wave.page.getByRole("button", { name: "Lens" }).click();
    expect(await number("Object density")).toBe(1.2);
    expect(await wave.text("about")).toContain("focus");
  });

  it("leads to the player and back", async () => {
    await open("solver=cpu&paused=1");
    await wave.page.getByRole("link", { name: "Session player" }).click();
    await wave.waitForState("LIVE");
    await wave.page.getByRole("link", { name: "Particle wave" }).click();
    await wave.page.getByRole("heading", { name: "Particle wave" }).waitFor({ state: "attached" });
  });
});
