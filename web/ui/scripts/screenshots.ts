/**
 * Pictures of both pages for the README and the docs, from a running service.
 *
 *     npm run screenshots -- --url http://127.0.0.1:8001 --out ../../docs/images
 *
 * They show the newest session of the future and of the equity, the latter where there is one, a
 * third of the way in; `--dt` and `--time` choose another moment.
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
const STILL_MS = 1500;

const PRODUCTS = ["future_mbo", "equity_mbo"] as const;
type Product = (typeof PRODUCTS)[number];

interface Session {
  readonly symbol: string;
  readonly dt: string;
  readonly time: string;
  readonly hasOptions: boolean;
}

interface Choice {
  readonly url: string;
  readonly dt: string | undefined;
  readonly time: string | undefined;
}

interface Listed {
  readonly symbol: string;
  readonly dt: string;
  readonly product_type: string;
  readonly tables: Readonly<Record<string, boolean>>;
}

/** The newest session of a product that fits, null when there is none. */
async function choose(choice: Choice, product: Product): Promise<Session | null> {
  const listed = (await (await fetch(`${choice.url}/v1/sessions`)).json()) as { sessions: Listed[] };
  const [newest] = listed.sessions
    .filter(({ product_type }) => product_type === product)
    .filter(({ dt }) => choice.dt === undefined || dt === choice.dt)
    .sort((a, b) => b.dt.localeCompare(a.dt));
  if (newest === undefined) return null;
  const { symbol, dt, tables } = newest;
  const known = { symbol, dt, hasOptions: tables["options"] === true };
  if (choice.time !== undefined) return { ...known, time: choice.time };
  const described = (await (
    await fetch(`${choice.url}/v1/sessions/${symbol}/${dt}`)
  ).json()) as { session: { windows: number; first_window_end_ts_ns: string; time_zone: string } };
  const { windows, first_window_end_ts_ns, time_zone } = described.session;
  const second = Number(BigInt(first_window_end_ts_ns) / 1_000_000_000n) + Math.floor(windows / 3);
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: time_zone, timeStyle: "medium" });
  return { ...known, time: time.format(second * 1000) };
}

async function text(page: Page, id: string): Promise<string> {
  return page.locator(`#${id}`).innerText();
}

async function shootPlayer(page: Page, url: string, session: Session, more: string): Promise<void> {
  const { symbol, dt, time } = session;
  await page.goto(`${url}/?symbol=${symbol}&dt=${dt}&time=${time}&paused=1${more}`);
  await until("the session", () => text(page, "state"), (state) => state === "PAUSED", PATIENCE_MS);
  await until("its window", () => text(page, "out-time"), (seen) => seen === time, PATIENCE_MS);
  // What came before is loaded block by block: the picture is ready when it stands still.
  let before: Buffer = Buffer.of();
  await until(
    "a still picture",
    async () => {
      await page.waitForTimeout(STILL_MS);
      const now = await page.screenshot();
      const still = now.equals(before);
      before = now;
      return still;
    },
    (still) => still,
    PATIENCE_MS,
  );
}

/** What is drawn beside the address of a session, by the name of its picture. */
function playerPictures(product: Product, session: Session): Readonly<Record<string, string>> {
  if (product === "equity_mbo") {
    return { "player-equity": "&view=1,1.6,0", "player-wide": "&map=wide&field=rho&view=0.5,0.7,0" };
  }
  return {
    player: "",
    "player-forecasts": "&layers=1346789&field=u_wave_energy&view=1.5,1,0",
    "player-colours": "&field=u_wave_energy&palette=safe&log=1&cut=30-99&view=0.5,0.6,0",
    ...(session.hasOptions ? { "player-options": "&field=Omega&view=0.5,0.3,0" } : {}),
  };
}

async function shootAll(
  browser: Browser,
  url: string,
  sessions: readonly (readonly [Product, Session])[],
  out: string,
): Promise<void> {
  const page = await browser.newPage({ viewport: SIZE });
  const save = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(out, `${name}.png`) });
    process.stdout.write(`${join(out, `${name}.png`)}\n`);
  };
  for (const [product, session] of sessions) {
    for (const [name, more] of Object.entries(playerPictures(product, session))) {
      await shootPlayer(page, url, session, more);
      if (name === "player-colours") await page.keyboard.press("c");
      await save(name);
    }
  }
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
    dt: { type: "string" },
    time: { type: "string" },
  },
});
const { url, dt, time } = values;
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const sessions: (readonly [Product, Session])[] = [];
for (const product of PRODUCTS) {
  const session = await choose({ url, dt, time }, product);
  if (session !== null) sessions.push([product, session]);
}
if (sessions.length === 0) throw new Error(`${url} has no such session`);
const browser = await launch();
try {
  await shootAll(browser, url, sessions, out);
} finally {
  await browser.close();
}
