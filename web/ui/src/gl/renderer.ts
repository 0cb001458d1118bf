/** Draws one picture of the ring: heat map, lines, trades and forecast over the same seconds. */

import { type Outcome, outcomeOf } from "../store/outcome";
import { HAS_FORECAST, HAS_SNAP, type SessionRing } from "../store/ring";
import type { Camera } from "../view/camera";
import type { Layers } from "../view/layers";
import { type Colours, paletteOf } from "../view/colours";
import { type Shade, optionsBaseline, optionsFieldOf } from "../view/shades";
import { FIELDS, FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES } from "../wire/fields";
import { type Program, createContext, createProgram } from "./context";
import {
  BAND_FRAGMENT,
  BAND_VERTEX,
  FLAG_ASK,
  FLAG_BID,
  FLAG_SPOT,
  HEAT_FRAGMENT,
  LINE_FRAGMENT,
  LINE_VERTEX,
  PATH_FRAGMENT,
  PATH_VERTEX,
  QUAD_VERTEX,
  STRIKES_FRAGMENT,
  TRADE_FRAGMENT,
  TRADE_VERTEX,
} from "./shaders";
import { RingTextures } from "./textures";

type Rgba = readonly [number, number, number, number];

const BACKGROUND: Rgba = [0.02, 0.027, 0.047, 1];
const SPOT: Rgba = [1, 1, 1, 0.96];
const SPOT_CASING: Rgba = [0.01, 0.02, 0.05, 0.72];
/** What rises and what falls, bids and asks: green and red, or what no colour blindness confuses. */
const NATIVE_INKS = {
  bid: [0.37, 0.93, 0.74, 0.8],
  ask: [1, 0.52, 0.46, 0.8],
  bought: [0.3, 0.95, 0.66, 0.92],
  sold: [1, 0.42, 0.4, 0.92],
  hit: [0.36, 0.95, 0.6, 0.85],
  miss: [1, 0.38, 0.38, 0.85],
} as const;
const SAFE_INKS = {
  bid: [0.42, 0.72, 1, 0.85],
  ask: [1, 0.68, 0.25, 0.85],
  bought: [0.45, 0.74, 1, 0.92],
  sold: [1, 0.66, 0.2, 0.92],
  hit: [0.42, 0.74, 1, 0.9],
  miss: [1, 0.6, 0.15, 0.9],
} as const;
const UNMOVED: Rgba = [0.7, 0.74, 0.8, 0.5];
const UNKNOWN: Rgba = [1, 0.84, 0.36, 0.55];
/** Past forecasts that begin closer together than this cannot be told apart. */
const PAST_SPACING_PX = 22;
const PATH: Rgba = [1, 0.84, 0.36, 1];
const PATH_GLOW: Rgba = [1, 0.7, 0.2, 0.3];
const BAND_50: Rgba = [1, 0.8, 0.35, 0.2];
const BAND_90: Rgba = [1, 0.8, 0.35, 0.1];

const SPOT_CHANNEL = 3;
const BID_CHANNEL = 0;
const ASK_CHANNEL = 1;

/** Where a row's forecast holds the predicted path. */
const PREDICTED_DELTA = FORECAST_VALUES.indexOf("predicted_delta") * FORECAST_HORIZONS;

const COLUMN_UNIFORMS = ["u_columns", "u_origin", "u_mask", "u_view", "u_size", "u_now"] as const;
type ColumnUniform = (typeof COLUMN_UNIFORMS)[number];

function programs(gl: WebGL2RenderingContext) {
  const common = [...COLUMN_UNIFORMS];
  return {
    heat: createProgram(gl, QUAD_VERTEX, HEAT_FRAGMENT, [
      ...common, "u_field", "u_palette", "u_half", "u_signed", "u_range", "u_opacity",
    ]),
    line: createProgram(gl, LINE_VERTEX, LINE_FRAGMENT, [
      ...common, "u_first", "u_channel", "u_flag", "u_half_width", "u_color",
    ]),
    trade: createProgram(gl, TRADE_VERTEX, TRADE_FRAGMENT, [
      ...common, "u_first", "u_side", "u_scale", "u_usual", "u_color",
    ]),
    strikes: createProgram(gl, QUAD_VERTEX, STRIKES_FRAGMENT, [
      ...common, "u_field", "u_palette", "u_step", "u_strike", "u_strikes", "u_signed", "u_range", "u_opacity",
    ]),
    path: createProgram(gl, PATH_VERTEX, PATH_FRAGMENT, [
      ...common, "u_path", "u_start", "u_mid", "u_half_width", "u_color", "u_soft",
    ]),
    band: createProgram(gl, BAND_VERTEX, BAND_FRAGMENT, [
      ...common, "u_band", "u_start", "u_mid", "u_color",
    ]),
  };
}

/** What a picture is made of besides the ring. */
export interface Scene {
  readonly camera: Camera;
  readonly layers: Layers;
  colours: Colours;
  shade: Shade;
  /** Cut-offs above the shade's baseline. */
  rangeLow: number;
  rangeHigh: number;
  /** Values of the options above their baseline at which colour begins and is full. */
  optionsLow: number;
  optionsHigh: number;
  /** Quantity of a large trade on the screen. */
  usualTrade: number;
  /** Seconds ahead over which past forecasts are drawn and judged. */
  pastHorizon: number;
  /** Newest window at or before NOW, -1 for none. */
  window: number;
}

export class Renderer {
  /** Called when the card dropped everything: nothing is drawn until it is restored. */
  onLost: () => void = () => undefined;
  /** Called after the context was restored: everything must be drawn again. */
  onRestored: () => void = () => undefined;

  readonly #canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  #programs: ReturnType<typeof programs>;
  #textures: RingTextures | null = null;
  #ring: SessionRing | null = null;
  #strikeStep: number | null = null;
  #lost = false;
  #ratio = 1;
  #origin = 0;
  #first = 0;
  #count = 0;
  readonly #path = new Float32Array(FORECAST_HORIZONS);
  readonly #band = new Float32Array(FORECAST_HORIZONS * 2);

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#gl = createContext(canvas);
    this.#programs = programs(this.#gl);
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.#lost = true;
      this.onLost();
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.#lost = false;
      this.#programs = programs(this.#gl);
      this.#textures =
        this.#ring === null ? null : new RingTextures(this.#gl, this.#ring);
      this.onRestored();
    });
  }

  /** Draw from this ring from now on; `strikeStep` in ticks, null without options. */
  show(ring: SessionRing | null, strikeStep: number | null): void {
    this.#textures?.dispose();
    this.#ring = ring;
    this.#strikeStep = strikeStep;
    this.#textures = ring === null || this.#lost ? null : new RingTextures(this.#gl, ring);
  }

  resize(width: number, height: number, ratio: number): void {
    this.#ratio = ratio;
    this.#canvas.width = Math.max(1, Math.round(width * ratio));
    this.#canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(scene: Scene): void {
    if (this.#lost) return;
    const gl = this.#gl;
    gl.viewport(0, 0, this.#canvas.width, this.#canvas.height);
    gl.clearColor(...BACKGROUND);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const textures = this.#textures;
    const ring = this.#ring;
    if (textures === null || ring === null || scene.window < 0) return;
    const { camera, layers } = scene;
    textures.showPalette(paletteOf(scene.colours.palette, scene.shade));
    textures.sync(FIELDS.indexOf(scene.shade.field), optionsFieldOf(scene.shade));
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, textures.columns);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, textures.field);
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, textures.palette);
    gl.activeTexture(gl.TEXTURE3);
    gl.bindTexture(gl.TEXTURE_2D, textures.options);
    gl.activeTexture(gl.TEXTURE0);

    this.#origin = Math.floor(camera.now);
    this.#first = Math.max(0, Math.floor(camera.timeAt(0)));
    const last = Math.min(Math.ceil(camera.now), Math.ceil(camera.timeAt(camera.width)));
    this.#count = Math.min(ring.capacity, Math.max(0, last - this.#first + 1));

    const inks = scene.colours.palette === "native" ? NATIVE_INKS : SAFE_INKS;
    const { quotes, spot } = layers;
    if (layers.velocity.shown) this.#drawHeat(scene, ring, textures);
    if (layers.options.shown && this.#strikeStep !== null && ring.strikes > 0) {
      this.#drawStrikes(scene, textures, this.#strikeStep, ring.strikes);
    }
    if (quotes.shown) {
      this.#drawLine(camera, textures, BID_CHANNEL, FLAG_BID, inks.bid, 0.5, quotes.opacity);
      this.#drawLine(camera, textures, ASK_CHANNEL, FLAG_ASK, inks.ask, 0.5, quotes.opacity);
    }
    if (spot.shown) {
      this.#drawLine(camera, textures, SPOT_CHANNEL, FLAG_SPOT, SPOT_CASING, 2, spot.opacity);
      this.#drawLine(camera, textures, SPOT_CHANNEL, FLAG_SPOT, SPOT, 0.8, spot.opacity);
    }
    if (layers.trades.shown) {
      this.#drawTrades(camera, textures, inks.bought, inks.sold, scene.usualTrade, layers.trades.opacity);
    }
    if (layers.past.shown) this.#drawPast(scene, ring, textures, inks.hit, inks.miss);
    if (layers.forecast.shown) this.#drawForecast(scene, ring, textures);
  }

  #use(program: Program<ColumnUniform>, camera: Camera, textures: RingTextures): void {
    const gl = this.#gl;
    const { uniforms } = program;
    const ratio = this.#ratio;
    gl.useProgram(program.program);
    gl.uniform1i(uniforms.u_columns, 0);
    gl.uniform1i(uniforms.u_origin, this.#origin);
    gl.uniform1i(uniforms.u_mask, (this.#ring?.capacity ?? 1) - 1);
    gl.uniform4f(
      uniforms.u_view,
      camera.timeAt(0) - this.#origin,
      1 / (camera.pxPerSecond * ratio),
      camera.tickAt(camera.height) - textures.anchor,
      1 / (camera.pxPerTick * ratio),
    );
    gl.uniform2f(uniforms.u_size, this.#canvas.width, this.#canvas.height);
    gl.uniform1f(uniforms.u_now, camera.now - this.#origin);
  }

  #drawHeat(scene: Scene, ring: SessionRing, textures: RingTextures): void {
    const gl = this.#gl;
    const program = this.#programs.heat;
    const { uniforms } = program;
    const { shade } = scene;
    this.#use(program, scene.camera, textures);
    gl.uniform1i(uniforms.u_field, 1);
    gl.uniform1i(uniforms.u_palette, 2);
    gl.uniform1i(uniforms.u_half, (ring.grid - 1) / 2);
    gl.uniform1i(uniforms.u_signed, shade.signed ? 1 : 0);
    const span = Math.max(1e-6, scene.rangeHigh - scene.rangeLow);
    const gamma = scene.colours.logarithmic ? 0 : shade.gamma;
    gl.uniform4f(uniforms.u_range, shade.baseline, scene.rangeLow, 1 / span, gamma);
    gl.uniform1f(uniforms.u_opacity, scene.layers.velocity.opacity);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #drawStrikes(scene: Scene, textures: RingTextures, step: number, strikes: number): void {
    const gl = this.#gl;
    const program = this.#programs.strikes;
    const { uniforms } = program;
    const { shade } = scene;
    this.#use(program, scene.camera, textures);
    gl.uniform1i(uniforms.u_field, 3);
    gl.uniform1i(uniforms.u_palette, 2);
    gl.uniform1f(uniforms.u_step, step);
    gl.uniform1f(uniforms.u_strike, textures.strike);
    gl.uniform1i(uniforms.u_strikes, strikes);
    gl.uniform1i(uniforms.u_signed, shade.signed ? 1 : 0);
    const gamma = scene.colours.logarithmic ? 0 : shade.gamma;
    const span = Math.max(1e-6, scene.optionsHigh - scene.optionsLow);
    gl.uniform4f(uniforms.u_range, optionsBaseline(shade), scene.optionsLow, 1 / span, gamma);
    gl.uniform1f(uniforms.u_opacity, scene.layers.options.opacity);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #drawLine(
    camera: Camera,
    textures: RingTextures,
    channel: number,
    flag: number,
    color: Rgba,
    halfWidth: number,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#programs.line;
    const { uniforms } = program;
    this.#use(program, camera, textures);
    gl.uniform1i(uniforms.u_first, this.#first);
    gl.uniform1i(uniforms.u_channel, channel);
    gl.uniform1i(uniforms.u_flag, flag);
    gl.uniform1f(uniforms.u_half_width, halfWidth * this.#ratio);
    gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
    gl.drawArraysInstanced(gl.TRIANGLES, 0, 12, this.#count);
  }

  #drawTrades(
    camera: Camera,
    textures: RingTextures,
    bought: Rgba,
    sold: Rgba,
    usual: number,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#programs.trade;
    const { uniforms } = program;
    this.#use(program, camera, textures);
    gl.uniform1i(uniforms.u_first, this.#first);
    gl.uniform1f(uniforms.u_scale, Math.min(2, 0.9 + camera.pxPerSecond / 12) * this.#ratio);
    gl.uniform1f(uniforms.u_usual, usual);
    for (let side = 0; side < 2; side++) {
      const color = side === 0 ? bought : sold;
      gl.uniform1i(uniforms.u_side, side);
      gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.#count);
    }
  }

  #drawForecast(scene: Scene, ring: SessionRing, textures: RingTextures): void {
    const { camera, window } = scene;
    const { opacity } = scene.layers.forecast;
    if (!ring.has(window, HAS_FORECAST | HAS_SNAP)) return;
    const row = ring.row(window);
    const mid = ring.mid[row]! - textures.anchor;
    if (Number.isNaN(mid)) return;
    const start = window - this.#origin;
    if (this.#loadBand(ring, row, "band_lo_90", "band_hi_90")) {
      this.#drawBand(camera, textures, start, mid, BAND_90, opacity);
    }
    if (this.#loadBand(ring, row, "band_lo_50", "band_hi_50")) {
      this.#drawBand(camera, textures, start, mid, BAND_50, opacity);
    }
    if (!this.#loadPath(ring, row, FORECAST_HORIZONS - 1)) return;
    this.#drawPath(camera, textures, start, mid, PATH_GLOW, 8, 4.5, FORECAST_HORIZONS - 1, opacity);
    this.#drawPath(camera, textures, start, mid, PATH, 1.1, 0, FORECAST_HORIZONS - 1, opacity);
  }

  /** What was predicted, over what then happened; the colour tells whether the direction was right. */
  #drawPast(scene: Scene, ring: SessionRing, textures: RingTextures, hit: Rgba, miss: Rgba): void {
    const { camera, window, pastHorizon } = scene;
    const spacing = Math.max(1, Math.ceil(PAST_SPACING_PX / camera.pxPerSecond));
    const first = Math.max(0, Math.floor((this.#first - pastHorizon) / spacing) * spacing);
    for (let index = first; index < window; index += spacing) {
      if (!ring.has(index, HAS_FORECAST | HAS_SNAP)) continue;
      const row = ring.row(index);
      const mid = ring.mid[row]! - textures.anchor;
      if (Number.isNaN(mid) || !this.#loadPath(ring, row, pastHorizon)) continue;
      const color = inkOf(outcomeOf(ring, index, pastHorizon, window), hit, miss);
      const start = index - this.#origin;
      const { opacity } = scene.layers.past;
      this.#drawPath(camera, textures, start, mid, color, 0.9, 0, pastHorizon, opacity);
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
    camera: Camera,
    textures: RingTextures,
    start: number,
    mid: number,
    color: Rgba,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#programs.band;
    const { uniforms } = program;
    this.#use(program, camera, textures);
    gl.uniform2fv(uniforms.u_band, this.#band);
    gl.uniform1f(uniforms.u_start, start);
    gl.uniform1f(uniforms.u_mid, mid);
    gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, FORECAST_HORIZONS - 1);
  }

  #drawPath(
    camera: Camera,
    textures: RingTextures,
    start: number,
    mid: number,
    color: Rgba,
    halfWidth: number,
    soft: number,
    segments: number,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#programs.path;
    const { uniforms } = program;
    this.#use(program, camera, textures);
    gl.uniform1fv(uniforms.u_path, this.#path);
    gl.uniform1f(uniforms.u_start, start);
    gl.uniform1f(uniforms.u_mid, mid);
    gl.uniform1f(uniforms.u_half_width, halfWidth * this.#ratio);
    gl.uniform1f(uniforms.u_soft, soft * this.#ratio);
    gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, segments);
  }
}

function inkOf(outcome: Outcome, hit: Rgba, miss: Rgba): Rgba {
  if (outcome === "hit") return hit;
  if (outcome === "miss") return miss;
  return outcome === "unmoved" ? UNMOVED : UNKNOWN;
}
