/** The book beside the plot: depth at each price of the newest window, and what was pulled or stacked. */

import { HAS_VELOCITY, type SessionRing } from "../store/ring";
import type { Camera } from "../view/camera";
import type { PaletteChoice } from "../view/colours";
import { FIELDS } from "../wire/fields";

export const COLUMNS_PX = 116;

const DEPTH_PX = 68;
const GAP_PX = 4;
const HEAD_PX = 18;
/** Width of each half of the column of moves. */
const MOVE_PX = (COLUMNS_PX - DEPTH_PX) / 2;
/** Move of the book, share of depth a second, that fills its half of the column. */
const FULL_MOVE = 0.3;
const GROUND = "#070b14";
const EDGE = "rgba(140, 170, 220, 0.16)";
const LABEL = "#93a3bd";
const FONT = '9.5px "Inter", "Segoe UI", system-ui, sans-serif';
/** Lots that fill the depth column at least: a thin book is not drawn as a thick one. */
const LEAST_LOTS = 20;
const RHO = FIELDS.indexOf("rho");
const VELOCITY = FIELDS.indexOf("liquidity_velocity");

const INKS = {
  native: { bid: "#3fc9b0", ask: "#e8756a", stacked: "#40d0d4", pulled: "#ffa84c" },
  safe: { bid: "#5aa8f5", ask: "#f0a040", stacked: "#60a8fa", pulled: "#fdae46" },
  grey: { bid: "#c8ccd2", ask: "#8a8e94", stacked: "#ffffff", pulled: "#969288" },
} as const;

export class Columns {
  /** Lots that fill the depth column; falls slowly, so that bars do not flicker. */
  #fullLots = LEAST_LOTS;

  draw(
    context: CanvasRenderingContext2D,
    camera: Camera,
    ring: SessionRing | null,
    window: number,
    palette: PaletteChoice,
    opacity: number,
  ): void {
    const left = camera.width;
    context.fillStyle = GROUND;
    context.fillRect(left, 0, camera.gutter, camera.height);
    context.fillStyle = EDGE;
    context.fillRect(left, 0, 1, camera.height);
    if (ring === null || !ring.has(window, HAS_VELOCITY)) return;
    context.save();
    context.beginPath();
    context.rect(left, 0, camera.gutter, camera.height);
    context.clip();
    context.globalAlpha = opacity;
    this.#drawBars(context, camera, ring, ring.row(window), palette);
    context.globalAlpha = 1;
    context.fillStyle = GROUND;
    context.fillRect(left + 1, 0, camera.gutter, HEAD_PX);
    context.font = FONT;
    context.textAlign = "center";
    context.fillStyle = LABEL;
    context.fillText("depth", left + DEPTH_PX / 2, HEAD_PX / 2);
    const middle = left + (DEPTH_PX + COLUMNS_PX) / 2;
    context.fillText("pull", middle - MOVE_PX / 2, HEAD_PX / 2);
    context.fillText("stack", middle + MOVE_PX / 2, HEAD_PX / 2);
    context.restore();
  }

  #drawBars(
    context: CanvasRenderingContext2D,
    camera: Camera,
    ring: SessionRing,
    row: number,
    palette: PaletteChoice,
  ): void {
    const { grid, cellTicks } = ring;
    const bottom = ring.center[row]! - ((grid - 1) / 2) * cellTicks;
    const from = Math.max(0, Math.ceil((camera.tickAt(camera.height) - bottom) / cellTicks - 0.5));
    const to = Math.min(grid - 1, Math.floor((camera.tickAt(0) - bottom) / cellTicks + 0.5));
    if (!(to >= from)) return;
    const depths = ring.fields[RHO]!;
    const moves = ring.fields[VELOCITY]!;
    const base = row * grid * 2;
    let largest = LEAST_LOTS;
    for (let i = base + 2 * from; i <= base + 2 * to + 1; i++) {
      largest = Math.max(largest, Math.expm1(depths[i]!));
    }
    this.#fullLots = Math.max(largest, this.#fullLots * 0.98);
    const inks = INKS[palette];
    const tall = Math.max(1, camera.pxPerCell - (camera.pxPerCell > 4 ? 1 : 0));
    const scale = (DEPTH_PX - GAP_PX) / this.#fullLots;
    const middle = camera.width + (DEPTH_PX + COLUMNS_PX) / 2;
    const half = MOVE_PX - GAP_PX / 2;
    for (let cell = from; cell <= to; cell++) {
      const at = base + cell * 2;
      const y = camera.yOf(bottom + cell * cellTicks) - tall / 2;
      const ask = Math.expm1(depths[at]!);
      const bid = Math.expm1(depths[at + 1]!);
      const wide = Math.max(ask, bid) * scale;
      if (wide > 0.2) {
        context.fillStyle = ask > bid ? inks.ask : inks.bid;
        context.fillRect(camera.width + 2, y, wide, tall);
      }
      const moved = moves[at]! + moves[at + 1]!;
      if (Math.abs(moved) > 0.01) {
        const reach = Math.min(1, Math.abs(moved) / FULL_MOVE) * half;
        context.fillStyle = moved > 0 ? inks.stacked : inks.pulled;
        context.fillRect(moved > 0 ? middle : middle - reach, y, reach, tall);
      }
    }
    context.fillStyle = EDGE;
    context.fillRect(camera.width + DEPTH_PX, 0, 1, camera.height);
    context.fillRect(middle, 0, 1, camera.height);
  }
}
