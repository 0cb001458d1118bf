/** The session's overview: mid line, wave energy, quality marks; click or drag to seek. */

import { type WallClock, formatTicks, tickOf } from "../view/scales";
import { type SessionInfo, epochSecond } from "../wire/session";
import type { Loop } from "../store/moments";
import { Overlay, TextOut, byId } from "./dom";
import { markColour, markLabel } from "./marks";

const PAGE_WINDOWS = 60;
const ENERGY_PX = 7;

export class Scrubber {
  readonly #element = byId("scrubber", HTMLElement);
  readonly #hover = byId("track-hover", HTMLElement);
  readonly #open = new TextOut("track-open");
  readonly #close = new TextOut("track-close");
  readonly #overlay: Overlay;
  readonly #backdrop = document.createElement("canvas");
  readonly #seek: (index: number) => void;
  #session: SessionInfo | null = null;
  #wall: WallClock | null = null;
  #window = 0;
  /** Where the playhead was drawn, device pixels; NaN when the picture is of something else. */
  #drawnPx = NaN;
  #loop: Loop | null = null;
  #marks = true;
  #width = 1;
  #height = 1;
  #ratio = 1;

  constructor(seek: (index: number) => void) {
    this.#seek = seek;
    this.#overlay = new Overlay(byId("overview", HTMLCanvasElement));
    this.#listen();
    new ResizeObserver(() => {
      this.resize(this.#ratio);
    }).observe(this.#element);
  }

  show(session: SessionInfo, wall: WallClock): void {
    this.#session = session;
    this.#wall = wall;
    this.#open.set(wall.label(epochSecond(session, 0)));
    this.#close.set(wall.label(epochSecond(session, session.windows - 1)));
    this.#element.setAttribute("aria-valuemax", String(session.windows - 1));
    this.resize(this.#ratio);
  }

  resize(ratio: number): void {
    this.#ratio = ratio;
    this.#width = Math.max(1, this.#element.clientWidth);
    this.#height = Math.max(1, this.#element.clientHeight);
    this.#overlay.resize(this.#width, this.#height, ratio);
    this.#paintBackdrop();
    this.#redraw();
  }

  showLoop(loop: Loop | null): void {
    this.#loop = loop;
    this.#redraw();
  }

  showMarks(shown: boolean): void {
    if (shown === this.#marks) return;
    this.#marks = shown;
    this.#paintBackdrop();
    this.#redraw();
  }

  /** Draw the playhead at a window: in a long session it takes seconds to move by a pixel. */
  draw(window: number): void {
    this.#window = window;
    const px = this.#session === null ? NaN : Math.round(this.#xOf(window, this.#session) * this.#ratio);
    if (px !== this.#drawnPx) this.#redraw();
  }

  #redraw(): void {
    const window = this.#window;
    const session = this.#session;
    const context = this.#overlay.context;
    this.#overlay.clear();
    if (session === null || this.#wall === null || Number.isNaN(window)) return;
    context.drawImage(this.#backdrop, 0, 0, this.#width, this.#height);
    this.#drawnPx = Math.round(this.#xOf(window, session) * this.#ratio);
    const x = this.#drawnPx / this.#ratio;
    context.fillStyle = "rgba(5, 8, 14, 0.62)";
    context.fillRect(x, 0, this.#width - x, this.#height);
    if (this.#loop !== null) this.#drawLoop(context, session, this.#loop);
    context.fillStyle = "#7ee6ff";
    context.fillRect(x - 1, 0, 2, this.#height);
    context.beginPath();
    context.arc(x, 5, 4, 0, 2 * Math.PI);
    context.fill();
  }

  #drawLoop(context: CanvasRenderingContext2D, session: SessionInfo, { from, to }: Loop): void {
    const left = this.#xOf(from, session);
    const right = to === null ? left + 1 : this.#xOf(to, session);
    context.fillStyle = "rgba(126, 230, 255, 0.16)";
    context.fillRect(left, 0, right - left, this.#height);
    context.fillStyle = "#7ee6ff";
    context.fillRect(left - 0.5, 0, 1, this.#height);
    context.fillRect(right - 0.5, 0, 1, this.#height);
  }

  /** Tell assistive technology where the playhead is; not for every frame. */
  announce(): void {
    const { session, wall } = { session: this.#session, wall: this.#wall };
    if (session === null || wall === null || Number.isNaN(this.#window)) return;
    this.#element.setAttribute("aria-valuenow", String(Math.max(0, Math.floor(this.#window))));
    const time = wall.label(epochSecond(session, Math.floor(this.#window)));
    this.#element.setAttribute("aria-valuetext", `${time} of the session`);
  }

  #xOf(window: number, session: SessionInfo): number {
    return (window / Math.max(1, session.windows - 1)) * this.#width;
  }

  #windowAt(event: PointerEvent): number {
    const box = this.#element.getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    return Math.round(Math.min(1, Math.max(0, share)) * ((this.#session?.windows ?? 1) - 1));
  }

  #paintBackdrop(): void {
    const session = this.#session;
    this.#backdrop.width = Math.max(1, Math.round(this.#width * this.#ratio));
    this.#backdrop.height = Math.max(1, Math.round(this.#height * this.#ratio));
    const context = this.#backdrop.getContext("2d");
    if (session === null || context === null) return;
    context.scale(this.#ratio, this.#ratio);
    this.#paintEnergy(context, session);
    this.#paintMid(context, session);
    for (const mark of this.#marks ? session.overview.marks : []) {
      const from = this.#xOf(mark.firstWindow - 1, session);
      const to = this.#xOf(mark.lastWindow, session);
      context.fillStyle = markColour(mark.kind);
      context.fillRect(from, 0, Math.max(1.5, to - from), 4);
    }
  }

  #paintEnergy(context: CanvasRenderingContext2D, session: SessionInfo): void {
    const { waveEnergy, stride } = session.overview;
    const largest = Math.max(1e-12, ...waveEnergy.filter((value) => !Number.isNaN(value)));
    const wide = Math.max(1, (stride / session.windows) * this.#width + 0.6);
    waveEnergy.forEach((value, point) => {
      if (Number.isNaN(value)) return;
      context.fillStyle = `rgba(250, 130, 50, ${(0.05 + 0.85 * (value / largest) ** 1.5).toFixed(3)})`;
      context.fillRect(this.#xOf(point * stride, session), this.#height - ENERGY_PX, wide, ENERGY_PX);
    });
  }

  #paintMid(context: CanvasRenderingContext2D, session: SessionInfo): void {
    const { mid, stride } = session.overview;
    const known = mid.filter((value) => !Number.isNaN(value));
    if (known.length === 0) return;
    const low = Math.min(...known);
    const span = Math.max(1e-9, Math.max(...known) - low);
    const top = 8;
    const bottom = this.#height - ENERGY_PX - 4;
    let pen = false;
    context.beginPath();
    mid.forEach((value, point) => {
      if (Number.isNaN(value)) {
        pen = false;
        return;
      }
      const last = Math.min(session.windows - 1, (point + 1) * stride - 1);
      const x = this.#xOf(last, session);
      const y = bottom - ((value - low) / span) * (bottom - top);
      if (pen) context.lineTo(x, y);
      else context.moveTo(x, y);
      pen = true;
    });
    context.strokeStyle = "#cfe0f5";
    context.lineWidth = 1.2;
    context.lineJoin = "round";
    context.stroke();
  }

  #listen(): void {
    const element = this.#element;
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      this.#seek(this.#windowAt(event));
    });
    element.addEventListener("pointermove", (event) => {
      this.#showHover(event);
      if (element.hasPointerCapture(event.pointerId)) this.#seek(this.#windowAt(event));
    });
    element.addEventListener("pointerleave", () => {
      this.#hover.hidden = true;
    });
    element.addEventListener("keydown", (event) => {
      const session = this.#session;
      if (session === null) return;
      const here = Math.floor(this.#window);
      const target = {
        PageUp: here + PAGE_WINDOWS,
        PageDown: here - PAGE_WINDOWS,
        Home: 0,
        End: session.windows - 1,
      }[event.key];
      if (target === undefined) return;
      event.preventDefault();
      this.#seek(target);
    });
  }

  #showHover(event: PointerEvent): void {
    const session = this.#session;
    const wall = this.#wall;
    if (session === null || wall === null) return;
    const index = this.#windowAt(event);
    const { mid, stride } = session.overview;
    const dollars = mid[Math.floor(index / stride)];
    const price =
      dollars === undefined || Number.isNaN(dollars)
        ? ""
        : `  ${formatTicks(tickOf(dollars, session.tickInt), session.tickInt, session.decimals)}`;
    this.#hover.hidden = false;
    // One pixel stands for several windows: a mark within them is told.
    const reach = session.windows / this.#width;
    const mark = session.overview.marks.find(
      ({ firstWindow, lastWindow }) => firstWindow - reach <= index && index <= lastWindow + reach,
    );
    const doubt = mark === undefined || !this.#marks ? "" : `  ${markLabel(mark.kind)}`;
    this.#hover.textContent = `${wall.label(epochSecond(session, index))}${price}${doubt}`;
    const half = this.#hover.offsetWidth / 2;
    const x = Math.min(this.#width - half, Math.max(half, this.#xOf(index, session)));
    this.#hover.style.transform = `translateX(${x - half}px)`;
  }
}
