/** What the service tells of its sessions, checked when it arrives. */

import { type Surface, SURFACES, WireError } from "./header";
import type { Geometry } from "./tiles";
import { type Price, type WindowIndex, asPrice, asWindowIndex } from "./units";

export interface QualityMark {
  readonly kind: string;
  readonly firstWindow: number;
  readonly lastWindow: number;
}

export interface Overview {
  readonly stride: number;
  /** Dollars; NaN where there is none. */
  readonly mid: readonly Price[];
  readonly waveEnergy: readonly number[];
  readonly marks: readonly QualityMark[];
}

export type Counters = Readonly<Record<string, number | string | null>>;
export type Scorecard = Readonly<Record<string, Counters>>;

/** Which surface is drawn: the session's own cells, or an equity's buckets far around spot. */
export type MapName = "fine" | "wide";

/** The cells of a map. */
export interface Cells {
  /** Cells of one side of one window. */
  readonly grid: number;
  /** Height of a cell in ticks of the page. */
  readonly ticks: number;
}

export interface SessionInfo {
  readonly symbol: string;
  readonly dt: string;
  readonly root: string;
  readonly name: string;
  /** Changes when any table of the session is published anew. */
  readonly version: string;
  /** Price step of orders, 1e-9 dollars. */
  readonly orderStepInt: number;
  /** What a tick of this page stands for: one cell of the surface, 1e-9 dollars. */
  readonly tickInt: number;
  readonly decimals: number;
  /** The cells of each map; the wide one is null where the session has none. */
  readonly maps: Readonly<Record<"fine", Cells> & Record<"wide", Cells | null>>;
  readonly productType: string;
  /** Ticks between two strikes; null where the session has no options. */
  readonly strikeStep: number | null;
  /** Strikes of one window; 0 where the session has no options. */
  readonly strikes: number;
  readonly windows: number;
  readonly firstWindowEndNs: bigint;
  readonly timeZone: string;
  readonly tileWindows: number;
  readonly calibrated: boolean;
  /** Why the forecast may not be called calibrated; null when it may, or when nothing is said. */
  readonly uncalibratedBecause: string | null;
  /** What the day was to the fit: train, held_out or unseen; null without a fit. */
  readonly role: string | null;
  /** What was counted while the tables were made, by table. */
  readonly scorecard: Scorecard;
  readonly surfaces: readonly Surface[];
  readonly overview: Overview;
}

export interface SessionEntry {
  readonly symbol: string;
  readonly root: string;
  readonly dt: string;
  readonly productType: string;
}

const SECOND_NS = 1_000_000_000n;

/** The cells of the map that is asked for, or of the fine one where the session has no wide map. */
export function cellsOf(session: SessionInfo, map: MapName): Cells {
  return session.maps[map] ?? session.maps.fine;
}

/** What the player shows of a session, in the order in which the service sends it. */
export function shownSurfaces(session: SessionInfo, map: MapName): Surface[] {
  const left: Surface = map === "wide" && session.maps.wide !== null ? "velocity" : "wide";
  return session.surfaces.filter((surface) => surface !== left);
}

/** Whether there is a surface for the map; without one the session is prices alone. */
export function hasMap(session: SessionInfo, map: MapName): boolean {
  return shownSurfaces(session, map).some((surface) => surface === "velocity" || surface === "wide");
}

/** Whether spot is the mid: an equity's spot reference is a bucket far wider than its ticks. */
export function spotIsMid({ orderStepInt, tickInt }: SessionInfo): boolean {
  return orderStepInt !== tickInt;
}

export function geometryOf(session: SessionInfo, map: MapName): Geometry {
  const { firstWindowEndNs, tickInt, strikes } = session;
  const { grid } = cellsOf(session, map);
  return { firstWindowEndNs, tickInt, grid, strikes, spotIsMid: spotIsMid(session) };
}

/** Epoch second at which a window ends. */
export function epochSecond(session: SessionInfo, index: number): number {
  return Number(session.firstWindowEndNs / SECOND_NS) + index;
}

export function windowEndNs(session: SessionInfo, index: number): string {
  return String(session.firstWindowEndNs + BigInt(index) * SECOND_NS);
}

/** The nearest window of the session to any number. */
export function clampWindow(session: SessionInfo, index: number): WindowIndex {
  return asWindowIndex(Math.min(session.windows - 1, Math.max(0, Math.round(index))));
}

/** Everything that can be played, and what the evaluation says of the forecasts. */
export interface Listing {
  /** Newest date first. */
  readonly sessions: readonly SessionEntry[];
  /** One sentence for each root whose forecast was evaluated on held-out days. */
  readonly verdicts: ReadonlyMap<string, string>;
}

export function parseListing(body: unknown): Listing {
  const root = record(body, "sessions");
  return { sessions: parseSessions(root), verdicts: parseVerdicts(root["scorecard"]) };
}

function parseSessions(body: Record<string, unknown>): SessionEntry[] {
  const entries = list(body, "sessions").map((item) => {
    const entry = record(item, "a session");
    return {
      symbol: text(entry, "symbol"),
      root: text(entry, "root"),
      dt: text(entry, "dt"),
      productType: text(entry, "product_type"),
    };
  });
  return entries.sort((a, b) => b.dt.localeCompare(a.dt) || a.symbol.localeCompare(b.symbol));
}

function parseVerdicts(scorecard: unknown): Map<string, string> {
  const verdicts = new Map<string, string>();
  // Nothing was evaluated yet.
  if (scorecard === null || scorecard === undefined) return verdicts;
  for (const [root, entry] of Object.entries(record(scorecard, "the scorecard"))) {
    const { verdict } = record(entry, `the evaluation of ${root}`);
    if (typeof verdict === "string") verdicts.set(root, verdict);
  }
  return verdicts;
}

export function parseSession(body: unknown): SessionInfo {
  const root = record(body, "the session");
  const grid = record(root["grid"], "grid");
  const session = record(root["session"], "session");
  const surfaces = record(root["surfaces"], "surfaces");
  const tickInt = whole(grid, "step_int");
  const available = SURFACES.filter((name) => isAvailable(surfaces, name));
  const options = available.includes("options") ? record(surfaces["options"], "surface options") : {};
  const hasOptions = available.includes("options");
  return {
    symbol: text(root, "symbol"),
    dt: text(root, "dt"),
    root: text(root, "root"),
    name: text(root, "name"),
    version: text(root, "version"),
    orderStepInt: whole(root, "tick_int"),
    tickInt,
    decimals: whole(root, "price_decimals"),
    maps: {
      fine: { grid: whole(grid, "cells"), ticks: 1 },
      wide: available.includes("wide") ? parseWide(record(root["wide_grid"], "wide_grid"), tickInt) : null,
    },
    productType: text(root, "product_type"),
    strikeStep: hasOptions ? whole(root, "strike_step_int") / tickInt : null,
    strikes: hasOptions ? whole(options, "rows_per_window") : 0,
    windows: whole(session, "windows"),
    firstWindowEndNs: BigInt(text(session, "first_window_end_ts_ns")),
    timeZone: text(session, "time_zone"),
    tileWindows: whole(root, "tile_windows"),
    calibrated: root["calibrated"] === true,
    ...parseCalibration(root["calibration"]),
    scorecard: record(root["scorecard"], "the scorecard") as Scorecard,
    surfaces: available,
    overview: parseOverview(record(root["overview"], "overview")),
  };
}

/** A future has no wide map, and does not speak of one. */
function isAvailable(surfaces: Record<string, unknown>, name: Surface): boolean {
  if (surfaces[name] === undefined) return false;
  return record(surfaces[name], `surface ${name}`)["available"] === true;
}

function parseWide(grid: Record<string, unknown>, tickInt: number): Cells {
  return { grid: whole(grid, "cells"), ticks: whole(grid, "step_int") / tickInt };
}

function parseCalibration(body: unknown): Pick<SessionInfo, "uncalibratedBecause" | "role"> {
  // A session without a forecast says nothing of a fit.
  const said = body === null || body === undefined ? {} : record(body, "calibration");
  const words = (key: string): string | null => {
    const value = said[key];
    return typeof value === "string" ? value : null;
  };
  return { uncalibratedBecause: words("uncalibrated_because"), role: words("role") };
}

function parseOverview(body: Record<string, unknown>): Overview {
  return {
    stride: whole(body, "stride_windows"),
    mid: series(body, "mid").map(asPrice),
    waveEnergy: series(body, "wave_energy"),
    marks: list(body, "quality_marks").map((item) => {
      const mark = record(item, "a quality mark");
      return {
        kind: text(mark, "kind"),
        firstWindow: whole(mark, "first_window"),
        lastWindow: whole(mark, "last_window"),
      };
    }),
  };
}

function series(body: Record<string, unknown>, key: string): number[] {
  return list(body, key).map((value) => (typeof value === "number" ? value : NaN));
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WireError(`the service's answer lacks ${what}`);
  }
  return value as Record<string, unknown>;
}

function list(body: Record<string, unknown>, key: string): unknown[] {
  const value = body[key];
  if (!Array.isArray(value)) throw new WireError(`the service's answer lacks the list ${key}`);
  return value as unknown[];
}

function text(body: Record<string, unknown>, key: string): string {
  const value = body[key];
  if (typeof value !== "string") throw new WireError(`the service's answer lacks the text ${key}`);
  return value;
}

function whole(body: Record<string, unknown>, key: string): number {
  const value = body[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new WireError(`the service's answer lacks the whole number ${key}`);
  }
  return value;
}
