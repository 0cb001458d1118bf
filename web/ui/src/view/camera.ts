/** Which seconds and ticks are on the screen, in CSS pixels of the plot. Pure arithmetic. */

import { type Tick, asTick } from "../wire/units";

/** Share of the plot's width at which NOW stands; the rest is for the forecast. */
export const NOW_SHARE = 0.7;
export const ZOOM_MIN = 0.125;
export const ZOOM_MAX = 8;

const BASE_PX_PER_SECOND = 8;
/** Height of a cell of the map at first. */
const BASE_PX_PER_CELL = 9;
/** Share of the distance to spot that following closes in a second. */
const FOLLOW_PER_SECOND = 2.5;
/** Spot may wander this share of the height from the middle before the picture follows. */
const FOLLOW_SLACK = 0.12;

/** What a shared address keeps of a camera. */
export interface CameraView {
  readonly zoomX: number;
  readonly zoomY: number;
  readonly panSeconds: number;
  /** Null where spot is followed. */
  readonly centerTick: number | null;
}

export class Camera {
  width = 1;
  height = 1;
  /** Width between the plot and the price axis, for the columns of the book. */
  gutter = 0;
  /** Height of a cell of the map in ticks: a map of larger cells shows more prices at first. */
  cellTicks = 1;
  zoomX = 1;
  zoomY = 1;
  /** Windows by which the picture is shifted into the past; 0 keeps NOW at its share. */
  panSeconds = 0;
  /** Tick in the middle of the plot; NaN until the first spot. */
  centerTick = NaN;
  follow = true;
  /** Time of the NOW line, in windows. */
  now = 0;

  resize(width: number, height: number): void {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
  }

  /** The first view again; spot will be in the middle. */
  reset(): void {
    this.zoomX = 1;
    this.zoomY = 1;
    this.panSeconds = 0;
    this.centerTick = NaN;
    this.follow = true;
  }

  /** The view as far as it is not the first one; null when it is. */
  get view(): CameraView | null {
    const { zoomX, zoomY, panSeconds, follow, centerTick } = this;
    if (follow && zoomX === 1 && zoomY === 1 && panSeconds === 0) return null;
    return { zoomX, zoomY, panSeconds, centerTick: follow || Number.isNaN(centerTick) ? null : centerTick };
  }

  set view(view: CameraView | null) {
    this.reset();
    if (view === null) return;
    this.zoomX = clampZoom(view.zoomX);
    this.zoomY = clampZoom(view.zoomY);
    this.panSeconds = view.panSeconds;
    if (view.centerTick === null) return;
    this.follow = false;
    this.centerTick = view.centerTick;
  }

  get pxPerSecond(): number {
    return BASE_PX_PER_SECOND * this.zoomX;
  }

  get pxPerTick(): number {
    return this.pxPerCell / this.cellTicks;
  }

  get pxPerCell(): number {
    return BASE_PX_PER_CELL * this.zoomY;
  }

  get nowX(): number {
    return this.xOf(this.now);
  }

  /** Column j is drawn from xOf(j - 1) to xOf(j). */
  xOf(time: number): number {
    return NOW_SHARE * this.width + (time - this.now + this.panSeconds) * this.pxPerSecond;
  }

  timeAt(x: number): number {
    return this.now - this.panSeconds + (x - NOW_SHARE * this.width) / this.pxPerSecond;
  }

  yOf(tick: number): number {
    return this.height / 2 - (tick - this.centerTick) * this.pxPerTick;
  }

  tickAt(y: number): Tick {
    return asTick(this.centerTick + (this.height / 2 - y) / this.pxPerTick);
  }

  /** Zoom prices about the pointer: the tick under it stays under it. */
  zoomPriceAt(factor: number, y: number): void {
    const tick = this.tickAt(y);
    this.zoomY = clampZoom(this.zoomY * factor);
    this.centerTick += tick - this.tickAt(y);
  }

  /** Zoom time about the pointer: the second under it stays under it. */
  zoomTimeAt(factor: number, x: number): void {
    const time = this.timeAt(x);
    this.zoomX = clampZoom(this.zoomX * factor);
    this.panSeconds += this.timeAt(x) - time;
  }

  panPixels(dx: number, dy: number): void {
    this.panSeconds += dx / this.pxPerSecond;
    this.centerTick += dy / this.pxPerTick;
  }

  /** Glide towards spot while it is followed; true when the picture moved. */
  followSpot(spot: number, seconds: number): boolean {
    if (Number.isNaN(spot)) return false;
    if (Number.isNaN(this.centerTick)) {
      this.centerTick = spot;
      return true;
    }
    if (!this.follow) return false;
    const slack = (FOLLOW_SLACK * this.height) / this.pxPerTick;
    const distance = spot - this.centerTick;
    const surplus = Math.abs(distance) - slack;
    if (surplus <= 0) return false;
    const share = Math.min(1, FOLLOW_PER_SECOND * seconds);
    const far = Math.abs(distance) * this.pxPerTick > this.height;
    this.centerTick += far ? distance : Math.sign(distance) * Math.max(surplus * share, 1e-4);
    return true;
  }
}

function clampZoom(zoom: number): number {
  return Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, zoom));
}
