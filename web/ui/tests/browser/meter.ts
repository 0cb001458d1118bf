/** Measures a page while it plays: its own work per frame, what it sends to the card, its memory. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";

/** What the page's own scripts did since the last look. */
export interface Reading {
  /** Milliseconds of scripts in each frame: the frame itself and what arrived before it. */
  readonly frameMs: readonly number[];
  /** Rows uploaded, by the width of their texture; a whole texture at once does not count. */
  readonly rows: Readonly<Record<string, number>>;
}

interface Meter {
  frameMs: number[];
  rows: Record<string, number>;
}

/** To be run in the page before its scripts. */
function install(): void {
  const meter: Meter = { frameMs: [], rows: {} };
  Object.assign(window, { meter });
  let sinceFrame = 0;
  const timed = (work: () => void): number => {
    const began = performance.now();
    work();
    return performance.now() - began;
  };
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) =>
    ask((now) => {
      meter.frameMs.push(sinceFrame + timed(() => { callback(now); }));
      sinceFrame = 0;
    });
  const onmessage = Object.getOwnPropertyDescriptor(Worker.prototype, "onmessage")!;
  Object.defineProperty(Worker.prototype, "onmessage", {
    ...onmessage,
    set(this: Worker, handler: (event: MessageEvent) => void) {
      onmessage.set!.call(this, (event: MessageEvent) => {
        sinceFrame += timed(() => { handler.call(this, event); });
      });
    },
  });
  const graphics = WebGL2RenderingContext.prototype;
  const upload = Object.getOwnPropertyDescriptor(graphics, "texSubImage2D")!;
  Object.defineProperty(graphics, "texSubImage2D", {
    ...upload,
    value(this: WebGL2RenderingContext, ...args: unknown[]) {
      const [, , , , width, height] = args as number[];
      const rows = height ?? 0;
      if (rows <= 64) meter.rows[String(width)] = (meter.rows[String(width)] ?? 0) + rows;
      Reflect.apply(upload.value as () => void, this, args);
    },
  });
}

export async function installMeter(page: Page): Promise<void> {
  await page.addInitScript(install);
}

/** What happened since the last call. */
export async function readMeter(page: Page): Promise<Reading> {
  return page.evaluate(() => {
    const { meter } = window as unknown as { meter: Meter };
    const { frameMs, rows } = meter;
    meter.frameMs = [];
    meter.rows = {};
    return { frameMs, rows };
  });
}

/** The value below which `share` of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** A slice of a thread's timeline, microseconds; `tdur` is what of it the thread ran on a core. */
interface Slice {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

const SCRIPTS: ReadonlySet<string> = new Set(["FunctionCall", "FireAnimationFrame"]);

/**
 * Processor time of the page's scripts in each frame while `work` is going on, milliseconds. Unlike
 * the clock's it does not count what other processes did to the core meanwhile.
 */
export async function traceFrames(page: Page, work: () => Promise<void>): Promise<number[]> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const slices: Slice[] = [];
  session.on("Tracing.dataCollected", ({ value }) => {
    for (const slice of value as unknown as Slice[]) if (SCRIPTS.has(slice.name) && slice.ph === "X") slices.push(slice);
  });
  const complete = new Promise<void>((done) => session.once("Tracing.tracingComplete", () => { done(); }));
  const traceConfig = { includedCategories: ["devtools.timeline"], excludedCategories: ["*"] };
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig });
  await work();
  await session.send("Tracing.end");
  await complete;
  await session.detach();
  return framesOf(slices);
}

/** Sums what ran since the frame before, of the thread that draws; slices within others do not count. */
function framesOf(slices: readonly Slice[]): number[] {
  const drawing = slices.find(({ name }) => name === "FireAnimationFrame");
  const ours = slices
    .filter(({ pid, tid }) => pid === drawing?.pid && tid === drawing.tid)
    .sort((a, b) => a.ts - b.ts);
  const frames: number[] = [];
  let end = -Infinity;
  let sinceFrame = 0;
  for (const { name, ts, dur = 0, tdur = dur } of ours) {
    if (ts < end) continue;
    end = ts + dur;
    sinceFrame += tdur / 1000;
    if (name !== "FireAnimationFrame") continue;
    frames.push(sinceFrame);
    sinceFrame = 0;
  }
  return frames;
}

/** What a page holds after the garbage was collected. */
export interface Held {
  readonly heapBytes: number;
  /** Nodes of documents, those no longer in one included. */
  readonly nodes: number;
  readonly listeners: number;
}

export async function whatIsHeld(page: Page): Promise<Held> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
  await session.detach();
  return { heapBytes: usedSize, nodes, listeners: jsEventListeners };
}

/** Bytes of all scripts that the player loads, compressed. */
export function compressedBytes(dist: string): number {
  const assets = join(dist, "assets");
  const ours = readdirSync(assets).filter((name) => name.endsWith(".js") && !name.startsWith("wave"));
  return ours.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
}
