/** Draws one picture of the ring: heat map, lines, trades and forecast over the same seconds. */

import type { SessionRing } from "../store/ring";
import type { Camera } from "../view/camera";
import { paletteOf } from "../view/colours";
import { optionsBaseline, optionsFieldOf } from "../view/shades";
import { FIELDS } from "../wire/fields";
import { createContext, createProgram } from "./context";
import { Forecasts } from "./forecasts";
import { NATIVE_INKS, type Rgba, SAFE_INKS } from "./inks";
import type { Scene } from "./scene";
import {
  FLAG_ASK,
  FLAG_BID,
  FLAG_SPOT,
  HEAT_FRAGMENT,
  HEAT_VERTEX,
  LINE_FRAGMENT,
  LINE_VERTEX,
  STRIKES_FRAGMENT,
  STRIKES_VERTEX,
  TRADE_FRAGMENT,
  TRADE_VERTEX,
} from "./shaders";
import { RingTextures } from "./textures";
import { ViewBlock } from "./view_block";

const BACKGROUND: Rgba = [0.02, 0.027, 0.047, 1];
const SPOT: Rgba = [1, 1, 1, 0.96];
const SPOT_CASING: Rgba = [0.01, 0.02, 0.05, 0.72];
const SPOT_CHANNEL = 3;
const BID_CHANNEL = 0;
const ASK_CHANNEL = 1;

/** Texture units, the same for all programs; the columns are in unit 0, where samplers point at first. */
const COLUMNS_UNIT = 0;
const FIELD_UNIT = 1;
const PALETTE_UNIT = 2;
const OPTIONS_UNIT = 3;

function programs(gl: WebGL2RenderingContext) {
  const made = {
    heat: createProgram(gl, HEAT_VERTEX, HEAT_FRAGMENT, [
      "u_first", "u_field", "u_palette", "u_half", "u_cell", "u_signed", "u_range", "u_opacity",
    ]),
    line: createProgram(gl, LINE_VERTEX, LINE_FRAGMENT, [
      "u_first", "u_channel", "u_flag", "u_half_width", "u_color",
    ]),
    trade: createProgram(gl, TRADE_VERTEX, TRADE_FRAGMENT, [
      "u_first", "u_side", "u_scale", "u_usual", "u_color",
    ]),
    strikes: createProgram(gl, STRIKES_VERTEX, STRIKES_FRAGMENT, [
      "u_field", "u_palette", "u_step", "u_lowest", "u_strikes", "u_signed", "u_range", "u_opacity",
    ]),
  };
  for (const { program, uniforms } of [made.heat, made.strikes]) {
    gl.useProgram(program);
    gl.uniform1i(uniforms.u_field, program === made.heat.program ? FIELD_UNIT : OPTIONS_UNIT);
    gl.uniform1i(uniforms.u_palette, PALETTE_UNIT);
  }
  return made;
}

export class Renderer {
  /** Called when the card dropped everything: nothing is drawn until it is restored. */
  onLost: () => void = () => undefined;
  /** Called after the context was restored: everything must be drawn again. */
  onRestored: () => void = () => undefined;

  readonly #canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  #programs: ReturnType<typeof programs>;
  #view: ViewBlock;
  #forecasts: Forecasts;
  #textures: RingTextures | null = null;
  #ring: SessionRing | null = null;
  #strikeStep: number | null = null;
  #lost = false;
  #ratio = 1;
  #origin = 0;
  #first = 0;
  #count = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#gl = createContext(canvas);
    this.#programs = programs(this.#gl);
    this.#view = new ViewBlock(this.#gl);
    this.#forecasts = new Forecasts(this.#gl);
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.#lost = true;
      this.onLost();
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.#lost = false;
      this.#programs = programs(this.#gl);
      this.#view = new ViewBlock(this.#gl);
      this.#forecasts = new Forecasts(this.#gl);
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
    textures.bind(COLUMNS_UNIT, FIELD_UNIT, PALETTE_UNIT, OPTIONS_UNIT);

    this.#origin = Math.floor(camera.now);
    this.#view.write(camera, this.#ratio, this.#origin, textures.anchor, ring.capacity);
    this.#first = Math.max(0, Math.floor(camera.timeAt(0)));
    const last = Math.min(Math.ceil(camera.now), Math.ceil(camera.timeAt(camera.width)));
    this.#count = Math.min(ring.capacity, Math.max(0, last - this.#first + 1));

    const inks = scene.colours.palette === "native" ? NATIVE_INKS : SAFE_INKS;
    const { quotes, spot } = layers;
    if (layers.velocity.shown) this.#drawHeat(scene, ring);
    if (layers.options.shown && this.#strikeStep !== null && ring.strikes > 0) {
      this.#drawStrikes(scene, textures, this.#strikeStep, ring.strikes);
    }
    if (quotes.shown) {
      this.#drawLine(BID_CHANNEL, FLAG_BID, inks.bid, 0.5, quotes.opacity);
      this.#drawLine(ASK_CHANNEL, FLAG_ASK, inks.ask, 0.5, quotes.opacity);
    }
    if (spot.shown) {
      this.#drawLine(SPOT_CHANNEL, FLAG_SPOT, SPOT_CASING, 2, spot.opacity);
      this.#drawLine(SPOT_CHANNEL, FLAG_SPOT, SPOT, 0.8, spot.opacity);
    }
    if (layers.trades.shown) {
      this.#drawTrades(camera, inks.bought, inks.sold, scene.usualTrade, layers.trades.opacity);
    }
    this.#forecasts.begin(this.#ratio, this.#origin, textures.anchor);
    if (layers.past.shown) this.#forecasts.drawPast(scene, ring, this.#first, inks);
    if (layers.forecast.shown) this.#forecasts.drawNewest(scene, ring);
  }

  #drawHeat(scene: Scene, ring: SessionRing): void {
    const gl = this.#gl;
    const program = this.#programs.heat;
    const { uniforms } = program;
    const { shade } = scene;
    gl.useProgram(program.program);
    gl.uniform1i(uniforms.u_first, this.#first);
    gl.uniform1i(uniforms.u_half, (ring.grid - 1) / 2);
    gl.uniform1f(uniforms.u_cell, ring.cellTicks);
    gl.uniform1i(uniforms.u_signed, shade.signed ? 1 : 0);
    const span = Math.max(1e-6, scene.rangeHigh - scene.rangeLow);
    const gamma = scene.colours.logarithmic ? 0 : shade.gamma;
    gl.uniform4f(uniforms.u_range, shade.baseline, scene.rangeLow, 1 / span, gamma);
    gl.uniform1f(uniforms.u_opacity, scene.layers.velocity.opacity);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.#count);
  }

  #drawStrikes(scene: Scene, textures: RingTextures, step: number, strikes: number): void {
    const gl = this.#gl;
    const program = this.#programs.strikes;
    const { uniforms } = program;
    const { camera, shade } = scene;
    const { anchor, strike } = textures;
    // The bar of a strike just outside the screen reaches into it.
    const lowest = strike + Math.floor((camera.tickAt(camera.height) - anchor - strike) / step) * step;
    const lines = Math.ceil((camera.tickAt(0) - anchor - lowest) / step) + 1;
    gl.useProgram(program.program);
    gl.uniform1f(uniforms.u_step, step);
    gl.uniform1f(uniforms.u_lowest, lowest);
    gl.uniform1i(uniforms.u_strikes, strikes);
    gl.uniform1i(uniforms.u_signed, shade.signed ? 1 : 0);
    const gamma = scene.colours.logarithmic ? 0 : shade.gamma;
    const span = Math.max(1e-6, scene.optionsHigh - scene.optionsLow);
    gl.uniform4f(uniforms.u_range, optionsBaseline(shade), scene.optionsLow, 1 / span, gamma);
    gl.uniform1f(uniforms.u_opacity, scene.layers.options.opacity);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, Math.max(0, lines));
  }

  #drawLine(
    channel: number,
    flag: number,
    color: Rgba,
    halfWidth: number,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#programs.line;
    const { uniforms } = program;
    gl.useProgram(program.program);
    gl.uniform1i(uniforms.u_first, this.#first);
    gl.uniform1i(uniforms.u_channel, channel);
    gl.uniform1i(uniforms.u_flag, flag);
    gl.uniform1f(uniforms.u_half_width, halfWidth * this.#ratio);
    gl.uniform4f(uniforms.u_color, color[0], color[1], color[2], color[3] * opacity);
    gl.drawArraysInstanced(gl.TRIANGLES, 0, 12, this.#count);
  }

  #drawTrades(
    camera: Camera,
    bought: Rgba,
    sold: Rgba,
    usual: number,
    opacity: number,
  ): void {
    const gl = this.#gl;
    const program = this.#programs.trade;
    const { uniforms } = program;
    gl.useProgram(program.program);
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
}
