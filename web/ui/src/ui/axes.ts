/** The two axes, their grid, the NOW line and the spot tag, drawn over the plot. */

import type { Camera } from "../view/camera";
import { type WallClock, firstMultiple, formatTicks, priceStepTicks, timeStepSeconds } from "../view/scales";
import { type SessionInfo, epochSecond } from "../wire/session";
import { asTick } from "../wire/units";
import { Overlay } from "./dom";
import { markColour } from "./marks";

export const PRICE_AXIS_PX = 80;
export const TIME_AXIS_PX = 26;

const FONT = '11.5px "JetBrains Mono", "SF Mono", ui-monospace, "DejaVu Sans Mono", Menlo, monospace';
const LABEL = "#93a3bd";
const GRID = "rgba(150, 180, 230, 0.075)";
const AXIS_GROUND = "#080d17";
const EDGE = "rgba(140, 170, 220, 0.16)";
const NOW = "rgba(126, 230, 255, 0.75)";
const STRIKE = "#a57bff";
/** Strikes that lie closer together are not marked. */
const STRIKE_STEP_PX = 7;
const QUALITY_PX = 5;
const PRICE_STEP_PX = 30;
const TIME_STEP_PX = 104;
const NOW_LABEL_CLEARANCE_PX = 56;
const SPOT_TAG_CLEARANCE_PX = 16;

export class Axes {
  readonly overlay: Overlay;
  readonly #prices = new Map<number, string>();
  #session: SessionInfo | null = null;
  #wall: WallClock | null = null;
  #future: CanvasGradient | null = null;
  #futureWidth = NaN;

  constructor(canvas: HTMLCanvasElement) {
    this.overlay = new Overlay(canvas);
  }

  show(session: SessionInfo, wall: WallClock): void {
    this.#session = session;
    this.#wall = wall;
    this.#prices.clear();
  }

  /**
   * `spot` in ticks, its tag's colour tells the direction it came from; an opacity of 0 leaves the
   * quality marks or the strikes out.
   */
  draw(
    camera: Camera,
    spot: number,
    rising: boolean,
    qualityOpacity: number,
    strikeOpacity: number,
  ): void {
    this.overlay.clear();
    const context = this.overlay.context;
    context.font = FONT;
    context.textBaseline = "middle";
    this.#ground(camera);
    const session = this.#session;
    const wall = this.#wall;
    if (session === null || wall === null || Number.isNaN(camera.centerTick)) return;
    this.#shadeFuture(camera);
    this.#drawTimes(camera, session, wall);
    this.#drawPrices(camera, session, camera.yOf(spot));
    if (strikeOpacity > 0) this.#drawStrikes(camera, session, strikeOpacity);
    if (qualityOpacity > 0) this.#drawQuality(camera, session, qualityOpacity);
    this.#drawNow(camera);
    if (!Number.isNaN(spot)) this.#drawSpot(camera, session, spot, rising);
  }

  #ground(camera: Camera): void {
    const context = this.overlay.context;
    const { width, height } = camera;
    context.fillStyle = AXIS_GROUND;
    const axis = width + camera.gutter;
    context.fillRect(axis, 0, PRICE_AXIS_PX, height + TIME_AXIS_PX);
    context.fillRect(0, height, axis, TIME_AXIS_PX);
    context.fillStyle = EDGE;
    context.fillRect(axis, 0, 1, height);
    context.fillRect(0, height, axis, 1);
  }

  #shadeFuture(camera: Camera): void {
    const context = this.overlay.context;
    const x = camera.nowX;
    if (x >= camera.width) return;
    if (this.#future === null || this.#futureWidth !== camera.width) {
      this.#future = context.createLinearGradient(0, 0, camera.width * 0.3, 0);
      this.#future.addColorStop(0, "rgba(90, 150, 220, 0.13)");
      this.#future.addColorStop(1, "rgba(90, 150, 220, 0.02)");
      this.#futureWidth = camera.width;
    }
    const left = Math.max(0, x);
    context.save();
    context.translate(left, 0);
    context.fillStyle = this.#future;
    context.fillRect(0, 0, camera.width - left, camera.height);
    context.restore();
  }

  #drawTimes(camera: Camera, session: SessionInfo, wall: WallClock): void {
    const context = this.overlay.context;
    const step = timeStepSeconds(camera.pxPerSecond, TIME_STEP_PX);
    const first = epochSecond(session, 0);
    const end = Math.min(first + session.windows + 30, first + camera.timeAt(camera.width));
    const start = Math.max(first - 1, first + camera.timeAt(0));
    context.textAlign = "center";
    for (let second = firstMultiple(start, step); second <= end; second += step) {
      const x = camera.xOf(second - first);
      context.fillStyle = GRID;
      context.fillRect(Math.round(x), 0, 1, camera.height);
      const underNow = Math.abs(x - camera.nowX) < NOW_LABEL_CLEARANCE_PX;
      if (underNow || x < 30 || x > camera.width - 30) continue;
      context.fillStyle = LABEL;
      context.fillText(wall.label(second), x, camera.height + TIME_AXIS_PX / 2 + 1);
    }
  }

  #drawPrices(camera: Camera, session: SessionInfo, spotY: number): void {
    const context = this.overlay.context;
    const step = priceStepTicks(session.tickInt, camera.pxPerTick, PRICE_STEP_PX);
    const top = camera.tickAt(0);
    context.textAlign = "left";
    for (let tick = firstMultiple(camera.tickAt(camera.height), step); tick <= top; tick += step) {
      const y = camera.yOf(tick);
      context.fillStyle = GRID;
      context.fillRect(0, Math.round(y), camera.width, 1);
      context.fillStyle = LABEL;
      const underTag = Math.abs(y - spotY) < SPOT_TAG_CLEARANCE_PX;
      if (!underTag && y > 8 && y < camera.height - 8) {
        context.fillText(this.#priceLabel(tick, session), camera.width + camera.gutter + 10, y);
      }
    }
  }

  /** A notch at each strike on the price axis. */
  #drawStrikes(camera: Camera, { strikeStep }: SessionInfo, opacity: number): void {
    if (strikeStep === null || strikeStep * camera.pxPerTick < STRIKE_STEP_PX) return;
    const context = this.overlay.context;
    const axis = camera.width + camera.gutter;
    const top = camera.tickAt(0);
    context.globalAlpha = opacity;
    context.fillStyle = STRIKE;
    let tick = firstMultiple(camera.tickAt(camera.height), strikeStep);
    for (; tick <= top; tick += strikeStep) {
      const y = Math.round(camera.yOf(tick));
      context.fillRect(axis - 1, y - 1, 7, 3);
    }
    context.globalAlpha = 1;
  }

  /** A strip over the time axis where the data is in doubt, up to NOW. */
  #drawQuality(camera: Camera, session: SessionInfo, opacity: number): void {
    const context = this.overlay.context;
    context.globalAlpha = opacity;
    const left = camera.timeAt(0);
    const right = Math.min(camera.now, camera.timeAt(camera.width));
    for (const { kind, firstWindow, lastWindow } of session.overview.marks) {
      if (lastWindow < left || firstWindow - 1 > right) continue;
      const from = Math.max(0, camera.xOf(firstWindow - 1));
      const to = camera.xOf(Math.min(lastWindow, right));
      context.fillStyle = markColour(kind);
      context.fillRect(from, camera.height - QUALITY_PX, Math.max(1, to - from), QUALITY_PX);
    }
    context.globalAlpha = 1;
  }

  #drawNow(camera: Camera): void {
    const context = this.overlay.context;
    const x = Math.round(camera.nowX);
    if (x < 0 || x > camera.width) return;
    context.fillStyle = NOW;
    context.fillRect(x, 0, 1, camera.height);
    context.fillRect(x - 19, camera.height, 39, 17);
    context.fillStyle = "#04222c";
    context.textAlign = "center";
    context.fillText("NOW", x + 0.5, camera.height + 9);
  }

  #drawSpot(camera: Camera, session: SessionInfo, spot: number, rising: boolean): void {
    const context = this.overlay.context;
    const y = Math.min(camera.height - 10, Math.max(10, camera.yOf(spot)));
    const axis = camera.width + camera.gutter;
    context.fillStyle = rising ? "#5feebc" : "#ff8476";
    context.beginPath();
    context.moveTo(axis + 1, y);
    context.lineTo(axis + 7, y - 10);
    context.lineTo(axis + PRICE_AXIS_PX, y - 10);
    context.lineTo(axis + PRICE_AXIS_PX, y + 10);
    context.lineTo(axis + 7, y + 10);
    context.fill();
    context.fillStyle = "#04121a";
    context.textAlign = "left";
    context.fillText(this.#priceLabel(spot, session), axis + 10, y + 0.5);
  }

  #priceLabel(tick: number, session: SessionInfo): string {
    let label = this.#prices.get(tick);
    if (label === undefined) {
      label = formatTicks(asTick(tick), session.tickInt, session.decimals);
      this.#prices.set(tick, label);
    }
    return label;
  }
}
