/** Draws what is predicted at NOW, and what was predicted before over what then happened. */

import { type Outcome, outcomeOf } from "../store/outcome";
import { HAS_FORECAST, HAS_SNAP, type SessionRing } from "../store/ring";
import { FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES } from "../wire/fields";
import { type Program, createProgram } from "./context";
import type { Inks, Rgba } from "./inks";
import type { Scene } from "./scene";
import { BAND_FRAGMENT, BAND_VERTEX, PATH_FRAGMENT, PATH_VERTEX } from "./shaders";

const UNMOVED: Rgba = [0.7, 0.74, 0.8, 0.5];
const UNKNOWN: Rgba = [1, 0.84, 0.36, 0.55];
/** Past forecasts that begin closer together than this cannot be told apart. */
const PAST_SPACING_PX = 22;
const PATH: Rgba = [1, 0.84, 0.36, 1];
const PATH_GLOW: Rgba = [1, 0.7, 0.2, 0.3];
const BAND_50: Rgba = [1, 0.8, 0.35, 0.2];
const BAND_90: Rgba = [1, 0.8, 0.35, 0.1];

/** Where a row's forecast holds the predicted path. */
const PREDICTED_DELTA = FORECAST_VALUES.indexOf("predicted_delta") * FORECAST_HORIZONS;

type PathUniform = "u_path" | "u_start" | "u_mid" | "u_half_width" | "u_color" | "u_soft";
type BandUniform = "u_band" | "u_start" | "u_mid" | "u_color";

export class Forecasts {
  readonly #gl: WebGL2RenderingContext;
  readonly #pathProgram: Program<PathUniform>;
  readonly #bandProgram: Program<BandUniform>;
  readonly #path = new Float32Array(FORECAST_HORIZONS);
  readonly #band = new Float32Array(FORECAST_HORIZONS * 2);
  #ratio = 1;
  #origin = 0;
  #anchor = 0;

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#pathProgram = createProgram(gl, PATH_VERTEX, PATH_FRAGMENT, [
      "u_path", "u_start", "u_mid", "u_half_width", "u_color", "u_soft",
    ]);
    this.#bandProgram = createProgram(gl, BAND_VERTEX, BAND_FRAGMENT, [
      "u_band", "u_start", "u_mid", "u_color",
    ]);
  }

  /** A frame begins: times are relative to window `origin`, prices to tick `anchor`. */
  begin(ratio: number, origin: number, anchor: number): void {
    this.#ratio = ratio;
    this.#origin = origin;
    this.#anchor = anchor;
  }

  /** The forecast of the newest window: its path and bands, right of NOW. */
  drawNewest(scene: Scene, ring: SessionRing): void {
    const { window } = scene;
    const { opacity } = scene.layers.forecast;
    if (!ring.has(window, HAS_FORECAST | HAS_SNAP)) return;
    const row = ring.row(window);
    const mid = ring.mid[row]! - this.#anchor;
    if (Number.isNaN(mid)) return;
    const start = window - this.#origin;
    if (this.#loadBand(ring, row, "band_lo_90", "band_hi_90")) {
      this.#drawBand(start, mid, BAND_90, opacity);
    }
    if (this.#loadBand(ring, row, "band_lo_50", "band_hi_50")) {
      this.#drawBand(start, mid, BAND_50, opacity);
    }
    if (!this.#loadPath(ring, row, FORECAST_HORIZONS - 1)) return;
    this.#drawPath(start, mid, PATH_GLOW, 8, 4.5, FORECAST_HORIZONS - 1, opacity);
    this.#drawPath(start, mid, PATH, 1.1, 0, FORECAST_HORIZONS - 1, opacity);
  }

  /** What was predicted, over what then happened; the colour tells whether the direction was right. */
  drawPast(scene: Scene, ring: SessionRing, firstVisible: number, inks: Inks): void {
    const { camera, window, pastHorizon } = scene;
    const spacing = Math.max(1, Math.ceil(PAST_SPACING_PX / camera.pxPerSecond));
    const first = Math.max(0, Math.floor((firstVisible - pastHorizon) / spacing) * spacing);
    for (let index = first; index < window; index += spacing) {
      if (!ring.has(index, HAS_FORECAST | HAS_SNAP)) continue;
      const row = ring.row(index);
      const mid = ring.mid[row]! - this.#anchor;
      if (Number.isNaN(mid) || !this.#loadPath(ring, row, pastHorizon)) continue;
      const color = inkOf(outcomeOf(ring, index, pastHorizon, window), inks);
      const start = index - this.#origin;
      const { opacity } = scene.layers.past;
      this.#drawPath(start, mid, color, 0.9, 0, pastHorizon, opacity);
    }
  }

  /** Read a predicted path up to a horizon; false where the forecast has none. */
  #loadPath(ring: SessionRing, row: number, horizon: number): boolean {
    const at = row * FORECAST_STRIDE + PREDICTED_DELTA;
    for (let h = 1; h <= horizon; h++) {
      const value = ring.forecast[at + h]!;
      if (Number.isNaN(value)) return false;
      this.#path[h] = value;
    }
    this.#path[0] = 0;
    return true;
  }

  /** Read one band; false where the forecast has none. Horizon 0 is the mid itself. */
  #loadBand(
    ring: SessionRing,
    row: number,
    low: (typeof FORECAST_VALUES)[number],
    high: (typeof FORECAST_VALUES)[number],
  ): boolean {
    const base = row * FORECAST_STRIDE;
    const lowAt = base + FORECAST_VALUES.indexOf(low) * FORECAST_HORIZONS;
    const highAt = base + FORECAST_VALUES.indexOf(high) * FORECAST_HORIZONS;
    this.#band[0] = this.#band[1] = 0;
    for (let h = 1; h < FORECAST_HORIZONS; h++) {
      const from = ring.forecast[lowAt + h]!;
      const to = ring.forecast[highAt + h]!;
      if (Number.isNaN(from) || Number.isNaN(to)) return false;
      this.#band[2 * h] = from;
      this.#band[2 * h + 1] = to;
    }
    return true;
  }

  #drawBand(
    start: number,
    mid: number,
    color: Rgba,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#bandProgram;
    const { uniforms } = program;
    gl.useProgram(program.program);
    gl.uniform2fv(uniforms.u_band, this.#band);
    gl.uniform1f(uniforms.u_start, start);
    gl.uniform1f(uniforms.u_mid, mid);
    gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, FORECAST_HORIZONS - 1);
  }

  #drawPath(
    start: number,
    mid: number,
    color: Rgba,
    halfWidth: number,
    soft: number,
    segments: number,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#pathProgram;
    const { uniforms } = program;
    gl.useProgram(program.program);
    gl.uniform1fv(uniforms.u_path, this.#path);
    gl.uniform1f(uniforms.u_start, start);
    gl.uniform1f(uniforms.u_mid, mid);
    gl.uniform1f(uniforms.u_half_width, halfWidth * this.#ratio);
    gl.uniform1f(uniforms.u_soft, soft * this.#ratio);
    gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, segments);
  }
}

function inkOf(outcome: Outcome, { hit, miss }: Inks): Rgba {
  if (outcome === "hit") return hit;
  if (outcome === "miss") return miss;
  return outcome === "unmoved" ? UNMOVED : UNKNOWN;
}
