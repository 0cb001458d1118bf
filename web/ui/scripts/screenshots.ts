/**
 * Pictures of both pages for the README and the docs, from a running service.
 *
 *     npm run screenshots -- --url http://127.0.0.1:8001 --out ../../docs/images
 *
 * `--symbol`, `--dt` and `--time` choose the moment; without them it is the newest session, a
 * third of the way in.
 */

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";

import { launch, until } from "../tests/browser/browser";

const SIZE = { width: 1600, height: 900 };
/** Emulated graphics are slow, and the wave must have crossed. */
const PATIENCE_MS = 240_000;
const WAVE_SECONDS = 2.6;

interface Session {
  readonly symbol: string;
  readonly dt: string;
  readonly time: string;
}

interface Choice {
  readonly url: string;
  readonly symbol: string | undefined;
  readonly dt: string | undefined;
  readonly time: string | undefined;
}

async function choose(choice: Choice): Promise<Session> {
  const listed = (await (await fetch(`${choice.url}/v1/sessions`)).json()) as {
    sessions: { symbol: string; dt: string }[];
  };
  const fitting = listed.sessions
    .filter(({ symbol }) => choice.symbol === undefined || symbol === choice.symbol)
    .filter(({ dt }) => choice.dt === undefined || dt === choice.dt)
    .sort((a, b) => b.dt.localeCompare(a.dt));
  const [newest] = fitting;
  if (newest === undefined) throw new Error(`${choice.url} has no such session`);
  if (choice.time !== undefined) return { ...newest, time: choice.time };
  const described = (await (
    await fetch(`${choice.url}/v1/sessions/${newest.symbol}/${newest.dt}`)
  ).json()) as { session: { windows: number; first_window_end_ts_ns: string; time_zone: string } };
  const { windows, first_window_end_ts_ns, time_zone } = described.session;
  const second = Number(BigInt(first_window_end_ts_ns) / 1_000_000_000n) + Math.floor(windows / 3);
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: time_zone, timeStyle: "medium" });
  return { ...newest, time: time.format(second * 1000) };
}

async function text(page: Page, id: string): Promise<string> {
  return page.locator(`#${id}`).innerText();
}

async function shootPlayer(page: Page, url: string, session: Session, more: string): Promise<void> {
  const { symbol, dt, time } = session;
  await page.goto(`${url}/?symbol=${symbol}&dt=${dt}&time=${time}&paused=1${more}`);
  await until("the session", () => text(page, "state"), (state) => state === "PAUSED", PATIENCE_MS);
  await until("its window", () => text(page, "out-time"), (seen) => seen === time, PATIENCE_MS);
  await page.waitForLoadState("networkidle");
}

async function shootAll(browser: Browser, url: string, session: Session, out: string): Promise<void> {
  const page = await browser.newPage({ viewport: SIZE });
  const save = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(out, `${name}.png`) });
    process.stdout.write(`${join(out, `${name}.png`)}\n`);
  };
  await shootPlayer(page, url, session, "");
  await save("player");
  await shootPlayer(page, url, session, "&layers=1346789&field=u_wave_energy&view=1.5,1,0");
  await save("player-forecasts");
  await shootPlayer(page, url, session, "&field=u_wave_energy&palette=safe&log=1&cut=30-99&view=0.5,0.6,0");
  await page.keyboard.press("c");
  await save("player-colours");
  const lens = "wavelength=2&frequency=5&density=1.2&width=4&height=6&x=7";
  await page.goto(`${url}/particle-wave.html?${lens}&solver=gpu&columns=400`);
  await until(
    "the wave to cross",
    async () => parseFloat(await text(page, "out-time")),
    (seconds) => seconds > WAVE_SECONDS,
    PATIENCE_MS,
  );
  await page.keyboard.press("Space");
  await save("particle-wave");
}

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8001" },
    out: { type: "string", default: "../../docs/images" },
    symbol: { type: "string" },
    dt: { type: "string" },
    time: { type: "string" },
  },
});
const { url, symbol, dt, time } = values;
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const session = await choose({ url, symbol, dt, time });
const browser = await launch();
try {
  await shootAll(browser, url, session, out);
} finally {
  await browser.close();
}
