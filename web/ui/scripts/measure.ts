/**
 * The player's targets, measured over minutes against a running service.
 *
 *     npm run measure -- --url http://127.0.0.1:8001 --minutes 20 --speed 16
 *
 * Prints the figures and ends with 1 when a target is missed. `--symbol` and `--dt` choose the
 * session; it is repeated as often as the minutes need.
 */

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { PlayerPage, launch, until } from "../tests/browser/browser";
import { compressedBytes, installMeter, quantile, readMeter, traceFrames, whatIsHeld } from "../tests/browser/meter";

const DIST = resolve(dirname(fileURLToPath(import.meta.url)), "../dist");
const SEEKS = 20;
const WARM_UP_MS = 10_000;
const LOOK_MS = 15_000;
const MEGABYTE = 1e6;

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Milliseconds from a click on the scrubber to the frame that shows the window. */
async function seek(player: PlayerPage, share: number): Promise<number> {
  const box = (await player.page.locator("#scrubber").boundingBox())!;
  await player.page.evaluate(() => {
    const scope = window as unknown as { seekMs: number; began: number };
    scope.seekMs = NaN;
    const out = document.getElementById("out-window")!;
    document.getElementById("scrubber")!.addEventListener(
      "pointerdown",
      () => {
        scope.began = performance.now();
        new MutationObserver((_, observer) => {
          observer.disconnect();
          // What is written in one frame is on the screen in the next.
          requestAnimationFrame(() => {
            scope.seekMs = performance.now() - scope.began;
          });
        }).observe(out, { childList: true, characterData: true, subtree: true });
      },
      { capture: true, once: true },
    );
  });
  await player.page.mouse.click(box.x + share * box.width, box.y + box.height / 2);
  const took = (): Promise<number> =>
    player.page.evaluate(() => (window as unknown as { seekMs: number }).seekMs);
  let ms = NaN;
  await until("the seek", async () => (ms = await took()), (seen) => !Number.isNaN(seen));
  return ms;
}

async function measure(player: PlayerPage, url: string, minutes: number): Promise<Figure[]> {
  await installMeter(player.page);
  await player.go(url);
  await player.waitForState("LIVE", 60_000);
  await pause(WARM_UP_MS);
  await readMeter(player.page);
  const first = await whatIsHeld(player.page);
  let largest = first.heapBytes;
  let nodes = first.nodes;
  let listeners = first.listeners;
  let frames = 0;
  const tails: number[] = [];
  const processorTails: number[] = [];
  const halves: number[] = [];
  let dropped = 0;
  const began = performance.now();
  while (performance.now() - began < minutes * 60_000) {
    const processorMs = await traceFrames(player.page, () => pause(Math.min(LOOK_MS, minutes * 60_000)));
    const { frameMs } = await readMeter(player.page);
    processorTails.push(quantile(processorMs, 0.95));
    frames += frameMs.length;
    tails.push(quantile(frameMs, 0.95));
    halves.push(quantile(frameMs, 0.5));
    const held = await whatIsHeld(player.page);
    largest = Math.max(largest, held.heapBytes);
    nodes = Math.max(nodes, held.nodes);
    listeners = Math.max(listeners, held.listeners);
    // The session is played again from its open when it ends.
    if ((await player.text("state")) === "ENDED") await player.page.keyboard.press("Space");
    dropped += Number(/dropped (\d+)/.exec(await player.text("health"))?.[1]);
  }
  const seconds = (performance.now() - began) / 1000;
  await player.page.keyboard.press("Space");
  await player.waitForState("PAUSED");
  const seeks: number[] = [];
  for (let n = 0; n < SEEKS; n++) seeks.push(await seek(player, ((n * 37 + 5) % 100) / 100));
  const tail = quantile(tails, 0.5);
  const processorTail = quantile(processorTails, 0.5);
  const grown = (largest - first.heapBytes) / MEGABYTE;
  const grownNodes = nodes - first.nodes + listeners - first.listeners;
  const bundle = compressedBytes(DIST);
  return [
    { name: "frames a second", value: (frames / seconds).toFixed(1), target: "60 on a graphics card", met: true },
    { name: "scripts a frame, median", value: `${quantile(halves, 0.5).toFixed(2)} ms`, target: "–", met: true },
    { name: "scripts a frame, 95 %", value: `${tail.toFixed(2)} ms`, target: "≤ 4 ms", met: tail <= 4 },
    { name: "of it on the processor, 95 %", value: `${processorTail.toFixed(2)} ms`, target: "≤ 4 ms", met: processorTail <= 4 },
    { name: "windows dropped or repeated", value: String(dropped), target: "0", met: dropped === 0 },
    { name: "seek, median", value: `${quantile(seeks, 0.5).toFixed(0)} ms`, target: "–", met: true },
    { name: "seek, largest", value: `${Math.max(...seeks).toFixed(0)} ms`, target: "≤ 300 ms", met: Math.max(...seeks) <= 300 },
    { name: "heap after the first seconds", value: `${(first.heapBytes / MEGABYTE).toFixed(1)} MB`, target: "–", met: true },
    { name: "heap grown at most", value: `${grown.toFixed(1)} MB`, target: "≤ 5 MB", met: grown <= 5 },
    { name: "nodes and listeners grown", value: String(grownNodes), target: "≤ 20", met: grownNodes <= 20 },
    { name: "scripts, compressed", value: `${(bundle / 1000).toFixed(1)} kB`, target: "≤ 150 kB", met: bundle <= 150_000 },
  ];
}

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8001" },
    minutes: { type: "string", default: "1" },
    speed: { type: "string", default: "16" },
    symbol: { type: "string" },
    dt: { type: "string" },
  },
});
const query = new URLSearchParams({ speed: values.speed });
if (values.symbol !== undefined) query.set("symbol", values.symbol);
if (values.dt !== undefined) query.set("dt", values.dt);
const browser = await launch();
try {
  const player = await PlayerPage.open(browser, "about:blank");
  const figures = await measure(player, `${values.url}/?${query.toString()}`, Number(values.minutes));
  for (const { name, value, target, met } of figures) {
    process.stdout.write(`${name.padEnd(30)} ${value.padStart(12)}   ${target.padEnd(22)} ${met ? "" : "missed"}\n`);
  }
  if (figures.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await browser.close();
}
