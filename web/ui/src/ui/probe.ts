/** The crosshair and the exact values under it. */

import { HAS_FORECAST, HAS_OPTIONS, HAS_VELOCITY, type SessionRing } from "../store/ring";
import type { Camera } from "../view/camera";
import { type WallClock, formatTicks } from "../view/scales";
import { type Shade, optionsFieldOf } from "../view/shades";
import { FIELDS, FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES, OPTION_FIELDS } from "../wire/fields";
import { type SessionInfo, epochSecond } from "../wire/session";
import { asTick } from "../wire/units";
import { PRICE_AXIS_PX, TIME_AXIS_PX } from "./axes";
import { Overlay, byId } from "./dom";
import { share, signed } from "./figures";

const LINE = "rgba(219, 230, 245, 0.42)";
const GAP_PX = 16;
const BANDS = [
  ["50 %", "band_lo_50", "band_hi_50"],
  ["90 %", "band_lo_90", "band_hi_90"],
] as const;

export class Probe {
  readonly overlay: Overlay;
  readonly #panel = byId("probe", HTMLElement);
  #x = NaN;
  #y = NaN;
  #byKeys = false;

  constructor(canvas: HTMLCanvasElement) {
    this.overlay = new Overlay(canvas);
  }

  /** The pointer's crosshair; it takes over from the keys'. */
  moveTo(x: number, y: number): void {
    this.#place(x, y, false);
  }

  leave(): void {
    if (!this.#byKeys) this.#x = NaN;
  }

  /** Show the crosshair at a point for the keys to move, or take it away. */
  toggleKeys(x: number, y: number): void {
    if (this.#byKeys) this.#place(NaN, NaN, false);
    else this.#place(x, y, true);
  }

  /** Move the keys' crosshair within the plot; false when they do not hold it. */
  nudge(camera: Camera, seconds: number, cells: number): boolean {
    if (!this.#byKeys) return false;
    const x = this.#x + seconds * camera.pxPerSecond;
    const y = this.#y - cells * camera.pxPerCell;
    this.#place(
      Math.min(camera.width - 1, Math.max(0, x)),
      Math.min(camera.height - 1, Math.max(0, y)),
      true,
    );
    return true;
  }

  /** What the keys point at is spoken too; with a pointer that would be a stream of words. */
  #place(x: number, y: number, byKeys: boolean): void {
    this.#x = x;
    this.#y = y;
    if (byKeys === this.#byKeys) return;
    this.#byKeys = byKeys;
    this.#panel.setAttribute("aria-live", byKeys ? "polite" : "off");
  }

  draw(
    camera: Camera,
    session: SessionInfo | null,
    ring: SessionRing | null,
    wall: WallClock | null,
    shade: Shade,
  ): void {
    const x = this.#x;
    const y = this.#y;
    const inside = x >= 0 && x < camera.width && y >= 0 && y < camera.height;
    if (!inside || session === null || ring === null || wall === null || Number.isNaN(camera.now)) {
      this.#panel.hidden = true;
      this.overlay.show(false);
      return;
    }
    this.overlay.show(true);
    this.overlay.clear();
    const tick = Math.round(camera.tickAt(y));
    const index = Math.floor(camera.timeAt(x)) + 1;
    this.#drawLines(camera, session, wall, x, y, tick, index);
    const text =
      camera.timeAt(x) < camera.now
        ? cellText(session, ring, wall, shade, index, tick)
        : forecastText(session, ring, wall, camera, index);
    this.#panel.hidden = text === "";
    if (text === "") return;
    this.#panel.textContent = text;
    const { offsetWidth, offsetHeight } = this.#panel;
    const left = x + GAP_PX + offsetWidth > camera.width ? x - GAP_PX - offsetWidth : x + GAP_PX;
    const top = y + GAP_PX + offsetHeight > camera.height ? y - GAP_PX - offsetHeight : y + GAP_PX;
    this.#panel.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
  }

  #drawLines(
    camera: Camera,
    session: SessionInfo,
    wall: WallClock,
    x: number,
    y: number,
    tick: number,
    index: number,
  ): void {
    const context = this.overlay.context;
    context.fillStyle = LINE;
    context.fillRect(Math.round(x), 0, 1, camera.height);
    context.fillRect(0, Math.round(y), camera.width, 1);
    context.font = '11.5px "JetBrains Mono", "SF Mono", ui-monospace, "DejaVu Sans Mono", Menlo, monospace';
    context.textBaseline = "middle";
    context.fillStyle = "#22304d";
    context.fillRect(camera.width + camera.gutter + 1, y - 10, PRICE_AXIS_PX - 1, 20);
    context.fillRect(x - 34, camera.height + 1, 68, TIME_AXIS_PX - 2);
    context.fillStyle = "#fff";
    context.textAlign = "left";
    context.fillText(formatTicks(asTick(tick), session.tickInt, session.decimals), camera.width + camera.gutter + 10, y);
    context.textAlign = "center";
    context.fillText(
      wall.label(epochSecond(session, index)),
      x,
      camera.height + TIME_AXIS_PX / 2 + 1,
    );
  }
}

function cellText(
  session: SessionInfo,
  ring: SessionRing,
  wall: WallClock,
  shade: Shade,
  index: number,
  tick: number,
): string {
  if (!ring.has(index)) return "";
  const row = ring.row(index);
  const price = (ticks: number): string =>
    formatTicks(asTick(ticks), session.tickInt, session.decimals);
  const time = wall.label(epochSecond(session, index));
  const lines = ring.has(index, HAS_VELOCITY)
    ? [`${time}  ${shade.label}`, ...cellLines(ring, row, shade, tick, price)]
    : [time];
  const bid = ring.bid[row]!;
  const ask = ring.ask[row]!;
  const touch = `${Number.isNaN(bid) ? "–" : price(bid)} / ${Number.isNaN(ask) ? "–" : price(ask)}`;
  const strike = strikeText(session, ring, row, shade, tick);
  if (strike !== null) lines.push(strike);
  lines.push(`  best ${touch}  traded +${ring.buyQty[row]!} −${ring.sellQty[row]!}`);
  return lines.join("\n");
}

/** The values of the cell at a tick and of its neighbours, the upper first. */
function cellLines(
  ring: SessionRing,
  row: number,
  shade: Shade,
  tick: number,
  price: (ticks: number) => string,
): string[] {
  const { grid, cellTicks } = ring;
  const center = ring.center[row]!;
  const values = ring.fields[FIELDS.indexOf(shade.field)]!;
  const pointed = Math.floor((tick - center) / cellTicks + 0.5);
  const lines: string[] = [];
  for (let near = pointed + 1; near >= pointed - 1; near--) {
    const cell = near + (grid - 1) / 2;
    if (cell < 0 || cell >= grid) continue;
    const at = (row * grid + cell) * 2;
    const mark = near === pointed ? "›" : " ";
    lines.push(`${mark} ${price(center + near * cellTicks)}  bid ${figure(values[at + 1]!)}  ask ${figure(values[at]!)}`);
  }
  return lines;
}

/** The nearest strike with the value that its bar is drawn from; null where there is none. */
function strikeText(
  session: SessionInfo,
  ring: SessionRing,
  row: number,
  shade: Shade,
  tick: number,
): string | null {
  const { strikeStep, tickInt, decimals } = session;
  if (strikeStep === null || (ring.present[row]! & HAS_OPTIONS) === 0) return null;
  const strike = Math.round((tick - ring.firstStrike[row]!) / strikeStep);
  if (!(strike >= 0 && strike < ring.strikes)) return null;
  const field = optionsFieldOf(shade);
  const price = formatTicks(asTick(ring.firstStrike[row]! + strike * strikeStep), tickInt, decimals);
  const value = ring.options[field]![row * ring.strikes + strike]!;
  return `  strike ${price}  ${OPTION_FIELDS[field]!} ${figure(value)}`;
}

function forecastText(
  session: SessionInfo,
  ring: SessionRing,
  wall: WallClock,
  camera: Camera,
  index: number,
): string {
  const window = Math.floor(camera.now + 1e-9);
  const horizon = index - window;
  if (horizon < 1 || horizon >= FORECAST_HORIZONS) return "";
  if (!ring.has(window, HAS_FORECAST)) return "";
  const row = ring.row(window);
  const delta = ring.forecast[row * FORECAST_STRIDE + horizon]!;
  if (Number.isNaN(delta)) return "";
  const price = (ticks: number): string =>
    formatTicks(asTick(ring.mid[row]! + ticks), session.tickInt, session.decimals);
  const value = (name: (typeof FORECAST_VALUES)[number]): number =>
    ring.forecast[row * FORECAST_STRIDE + FORECAST_VALUES.indexOf(name) * FORECAST_HORIZONS + horizon]!;
  const lines = [
    `${wall.label(epochSecond(session, index))}  forecast +${horizon} s`,
    `  ${signed(delta, 2)} ticks → ${price(Math.round(delta * 100) / 100)}`,
  ];
  for (const [name, low, high] of BANDS) {
    if (Number.isNaN(value(low)) || Number.isNaN(value(high))) continue;
    lines.push(`  ${name} ${signed(value(low), 2)} … ${signed(value(high), 2)}`);
  }
  const confidence = value("confidence");
  if (!Number.isNaN(confidence)) lines.push(`  confidence ${share(confidence, 1)}`);
  return lines.join("\n");
}

function figure(value: number): string {
  const text = Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(4);
  return text.padStart(8);
}
