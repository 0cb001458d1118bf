/** What is being watched, and how, as a query string that can be shared. */

import type { CameraView } from "../view/camera";
import { type Colours, formatCutOffs, parseColours } from "../view/colours";
import { type Layers, formatOpacities, formatShown, parseLayers } from "../view/layers";
import type { MapName } from "../wire/session";
import { HORIZONS_JUDGED } from "./outcome";
import { SPEEDS } from "./speeds";

export interface ViewAddress {
  readonly symbol: string | null;
  readonly dt: string | null;
  /** Wall clock of the session's time zone, HH:MM:SS. */
  readonly time: string | null;
  readonly speed: number;
  readonly field: string | null;
  readonly map: MapName;
  readonly paused: boolean;
  /** First and last second of a range that is repeated. */
  readonly loop: readonly [from: string, to: string] | null;
  readonly view: CameraView | null;
  readonly layers: Layers;
  readonly colours: Colours;
  /** Seconds ahead over which past forecasts are judged. */
  readonly pastHorizon: number;
}

const TIME_OF_DAY = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d";
const TIME = new RegExp(`^${TIME_OF_DAY}$`);
const LOOP = new RegExp(`^(${TIME_OF_DAY})-(${TIME_OF_DAY})$`);
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const SYMBOL = /^[A-Z0-9.]{1,24}$/i;
const FIRST_HORIZON = 10;

export function isTime(text: string): boolean {
  return TIME.test(text);
}

/** Read an address; parts that are not well formed count as absent. */
export function parseAddress(query: string): ViewAddress {
  const parameters = new URLSearchParams(query);
  const matching = (name: string, pattern: RegExp): string | null => {
    const value = parameters.get(name);
    return value !== null && pattern.test(value) ? value : null;
  };
  const speed = Number(parameters.get("speed") ?? "1");
  const loop = LOOP.exec(parameters.get("loop") ?? "");
  const horizon = Number(parameters.get("past") ?? FIRST_HORIZON);
  return {
    symbol: matching("symbol", SYMBOL),
    dt: matching("dt", DATE),
    time: matching("time", TIME),
    speed: SPEEDS.includes(speed) ? speed : 1,
    field: matching("field", /^[A-Za-z_]{1,32}$/),
    map: parameters.get("map") === "wide" ? "wide" : "fine",
    paused: parameters.get("paused") === "1",
    loop: loop === null ? null : [loop[1]!, loop[2]!],
    view: parseView(parameters.get("view")),
    layers: parseLayers(parameters.get("layers"), parameters.get("opacity")),
    colours: parseColours(parameters.get("palette"), parameters.get("log"), parameters.get("cut")),
    pastHorizon: HORIZONS_JUDGED.find((known) => known === horizon) ?? FIRST_HORIZON,
  };
}

/** Write an address, without what is absent or the default. */
export function formatAddress(address: ViewAddress): string {
  const { symbol, dt, time, speed, field, loop, view, layers, colours } = address;
  const parts: [string, string | number | null][] = [
    ["symbol", symbol === null ? null : encodeURIComponent(symbol)],
    ["dt", dt],
    ["time", time],
    ["speed", speed === 1 ? null : speed],
    ["field", field],
    ["map", address.map === "fine" ? null : address.map],
    ["loop", loop === null ? null : loop.join("-")],
    ["view", view === null ? null : formatView(view)],
    ["layers", formatShown(layers)],
    ["opacity", formatOpacities(layers)],
    ["palette", colours.palette === "native" ? null : colours.palette],
    ["log", colours.logarithmic ? 1 : null],
    ["cut", formatCutOffs(colours)],
    ["past", address.pastHorizon === FIRST_HORIZON ? null : address.pastHorizon],
    ["paused", address.paused ? 1 : null],
  ];
  const known = parts.filter(([, value]) => value !== null).map(([name, value]) => `${name}=${value ?? ""}`);
  return known.length === 0 ? "" : `?${known.join("&")}`;
}

/** "zoom x,zoom y,pan" and the middle tick when spot is not followed. */
function formatView({ zoomX, zoomY, panSeconds, centerTick }: CameraView): string {
  const numbers = [zoomX, zoomY, panSeconds, ...(centerTick === null ? [] : [centerTick])];
  return numbers.map((number) => String(Number(number.toFixed(3)))).join(",");
}

function parseView(text: string | null): CameraView | null {
  if (text === null || !/^-?[\d.]+(,-?[\d.]+){2,3}$/.test(text)) return null;
  const [zoomX, zoomY, panSeconds, centerTick] = text.split(",").map(Number);
  const numbers = [zoomX, zoomY, panSeconds, centerTick ?? 0];
  if (!numbers.every((number) => Number.isFinite(number))) return null;
  return { zoomX: zoomX!, zoomY: zoomY!, panSeconds: panSeconds!, centerTick: centerTick ?? null };
}
