/** The wave on the graphics card: float textures in ping-pong, one pass a step. */

import type { Reading, ValueRange, ViewName, WaveEngine } from "../wave/engine";
import { isChannel } from "../wave/engine";
import { DOMAIN_HEIGHT, DOMAIN_WIDTH, type Grid, type Medium, gridOf, mediumOf } from "../wave/medium";
import { INITIAL, type Parameters, type Shape } from "../wave/parameters";
import { type Statistics, type StepFactors, factorsOf, stepOf } from "../wave/solver";
import { PlaneWaveSource } from "../wave/source";
import { MAP_COLUMNS, MAP_ROWS, channelMap } from "../wave/tensor";
import { PALETTE_WIDTH, paletteBytes } from "../view/palette";
import { GraphicsError, createContext, createDataTexture, createProgram } from "./context";
import { BLOCK, QUAD_VERTEX, REDUCE_FRAGMENT, SHOW_FRAGMENT, STEP_FRAGMENT } from "./wave_shaders";

const RELIEF = 3.2;

function resources(gl: WebGL2RenderingContext, grid: Grid) {
  const { columns, rows, visibleRows } = grid;
  const state = (): Target => createTarget(gl, columns, rows + 1);
  return {
    step: createProgram(gl, QUAD_VERTEX, STEP_FRAGMENT, [
      "u_state", "u_medium", "u_size", "u_half_step", "u_courant_squared", "u_averaging",
      "u_ratio", "u_entering",
    ]),
    reduce: createProgram(gl, QUAD_VERTEX, REDUCE_FRAGMENT, [
      "u_state", "u_medium", "u_size", "u_rows",
    ]),
    show: createProgram(gl, QUAD_VERTEX, SHOW_FRAGMENT, [
      "u_field", "u_palette", "u_channel", "u_window", "u_canvas", "u_range", "u_relief",
    ]),
    states: [state(), state()] as [Target, Target],
    sums: createTarget(gl, Math.ceil(columns / BLOCK), Math.ceil(visibleRows / BLOCK)),
    medium: createDataTexture(gl, gl.RGBA32F, columns, rows + 1),
    map: createDataTexture(gl, gl.R32F, MAP_COLUMNS, MAP_ROWS),
    palettes: {
      wave: createPalette(gl, "tide"),
      other: createPalette(gl, "glow"),
    },
  };
}

interface Target {
  readonly texture: WebGLTexture;
  readonly frame: WebGLFramebuffer;
  readonly width: number;
  readonly height: number;
}

export class GpuWave implements WaveEngine {
  readonly processor = "graphics card";
  readonly grid: Grid;
  readonly ready = true;
  time = 0;
  step: number;
  onNews: () => void = () => undefined;

  readonly #canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  readonly #source = new PlaneWaveSource();
  readonly #interleaved: Float32Array;
  readonly #sums: Float32Array;
  readonly #pixel = new Float32Array(4);
  #resources: ReturnType<typeof resources>;
  #parameters: Parameters = INITIAL;
  #shape: Shape = "ellipse";
  #factors: StepFactors;
  #arriving = 0;
  /** Ratio of the next step to the one before: other than 1 after a change of the medium. */
  #ratio = 1;
  #map: ViewName | null = null;
  #lost = false;

  /** Throws GraphicsError where float textures cannot be drawn to. */
  constructor(canvas: HTMLCanvasElement, columns: number) {
    this.#canvas = canvas;
    this.grid = gridOf(columns);
    this.#gl = createContext(canvas);
    if (this.#gl.getExtension("EXT_color_buffer_float") === null) {
      throw new GraphicsError("this graphics card cannot draw to float textures");
    }
    this.#interleaved = new Float32Array((this.grid.rows + 1) * columns * 4);
    this.#resources = resources(this.#gl, this.grid);
    const { width, height } = this.#resources.sums;
    this.#sums = new Float32Array(width * height * 4);
    this.step = 1;
    this.#factors = factorsOf(INITIAL, this.grid.cell, 1);
    this.setParameters(INITIAL, "ellipse");
    this.restart();
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.#lost = true;
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.#gl.getExtension("EXT_color_buffer_float");
      this.#resources = resources(this.#gl, this.grid);
      this.#lost = false;
      this.setParameters(this.#parameters, this.#shape);
      this.restart();
      this.onNews();
    });
  }

  setParameters(parameters: Parameters, shape: Shape): void {
    this.#parameters = parameters;
    this.#shape = shape;
    const medium = mediumOf(parameters, shape, this.grid);
    const step = stepOf(medium);
    this.#ratio *= step / this.step;
    this.step = step;
    this.#factors = factorsOf(parameters, this.grid.cell, step);
    this.#map = null;
    this.#upload(medium);
  }

  restart(): void {
    const gl = this.#gl;
    for (const { frame } of this.#resources.states) {
      gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
      gl.clearBufferfv(gl.COLOR, 0, [0, 0, 0, 0]);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.#source.restart();
    this.#arriving = 0;
    this.#ratio = 1;
    this.time = 0;
  }

  advance(steps: number): void {
    if (this.#lost) return;
    const gl = this.#gl;
    const { step: program, states, medium } = this.#resources;
    const { uniforms } = program;
    const { columns, rows } = this.grid;
    const { halfStep, courantSquared, averaging, entering } = this.#factors;
    const { frequency, amplitude } = this.#parameters;
    gl.useProgram(program.program);
    gl.disable(gl.BLEND);
    gl.viewport(0, 0, columns, rows + 1);
    gl.uniform1i(uniforms.u_state, 0);
    gl.uniform1i(uniforms.u_medium, 1);
    gl.uniform2i(uniforms.u_size, columns, rows);
    gl.uniform1f(uniforms.u_half_step, halfStep);
    gl.uniform1f(uniforms.u_courant_squared, courantSquared);
    gl.uniform1f(uniforms.u_averaging, averaging);
    this.#bind(1, medium);
    for (let n = 0; n < steps; n++) {
      const arriving = this.#source.advance(this.step, frequency, amplitude);
      gl.uniform1f(uniforms.u_ratio, this.#ratio);
      gl.uniform2f(uniforms.u_entering, this.#arriving * entering, arriving * entering);
      this.#bind(0, states[0].texture);
      gl.bindFramebuffer(gl.FRAMEBUFFER, states[1].frame);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      states.reverse();
      this.#arriving = arriving;
      this.#ratio = 1;
      this.time += this.step;
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  resize(width: number, height: number): void {
    this.#canvas.width = width;
    this.#canvas.height = height;
  }

  draw(view: ViewName, range: ValueRange): void {
    if (this.#lost) return;
    const gl = this.#gl;
    const { show, states, map, palettes } = this.#resources;
    const { uniforms } = show;
    const { columns, visibleRows, pad } = this.grid;
    const channel = isChannel(view);
    if (channel && this.#map !== view) this.#uploadMap(view);
    gl.useProgram(show.program);
    gl.disable(gl.BLEND);
    gl.viewport(0, 0, this.#canvas.width, this.#canvas.height);
    this.#bind(0, channel ? map : states[0].texture);
    this.#bind(1, view === "wave" ? palettes.wave : palettes.other);
    gl.uniform1i(uniforms.u_field, 0);
    gl.uniform1i(uniforms.u_palette, 1);
    gl.uniform1i(uniforms.u_channel, view === "intensity" ? 2 : 0);
    if (channel) gl.uniform4f(uniforms.u_window, 0, 0, MAP_COLUMNS, MAP_ROWS);
    else gl.uniform4f(uniforms.u_window, 0, pad, columns, visibleRows);
    gl.uniform2f(uniforms.u_canvas, this.#canvas.width, this.#canvas.height);
    gl.uniform2f(uniforms.u_range, range.low, 1 / (range.high - range.low));
    gl.uniform1f(uniforms.u_relief, view === "wave" ? RELIEF / this.#parameters.amplitude : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  statistics(): Statistics {
    const gl = this.#gl;
    const { reduce, states, medium, sums } = this.#resources;
    const { uniforms } = reduce;
    const { columns, rows, pad, cell } = this.grid;
    gl.useProgram(reduce.program);
    gl.viewport(0, 0, sums.width, sums.height);
    this.#bind(0, states[0].texture);
    this.#bind(1, medium);
    gl.uniform1i(uniforms.u_state, 0);
    gl.uniform1i(uniforms.u_medium, 1);
    gl.uniform2i(uniforms.u_size, columns, rows);
    gl.uniform2i(uniforms.u_rows, pad, rows - pad);
    gl.bindFramebuffer(gl.FRAMEBUFFER, sums.frame);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.readPixels(0, 0, sums.width, sums.height, gl.RGBA, gl.FLOAT, this.#sums);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    let largest = 0;
    let kinetic = 0;
    let potential = 0;
    for (let at = 0; at < this.#sums.length; at += 4) {
      largest = Math.max(largest, this.#sums[at]!);
      kinetic += this.#sums[at + 1]!;
      potential += this.#sums[at + 2]!;
    }
    return {
      time: this.time,
      largest,
      kinetic: (0.5 * kinetic * cell * cell) / this.step ** 2,
      potential: 0.5 * potential * this.#parameters.speed ** 2,
    };
  }

  read(x: number, y: number): Reading {
    const gl = this.#gl;
    const { columns, rows, pad } = this.grid;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((x / DOMAIN_WIDTH) * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor((y / DOMAIN_HEIGHT) * (rows - 2 * pad)) + pad));
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#resources.states[0].frame);
    gl.readPixels(column, row, 1, 1, gl.RGBA, gl.FLOAT, this.#pixel);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return { displacement: this.#pixel[0]!, intensity: this.#pixel[2]! };
  }

  #bind(unit: number, texture: WebGLTexture): void {
    this.#gl.activeTexture(this.#gl.TEXTURE0 + unit);
    this.#gl.bindTexture(this.#gl.TEXTURE_2D, texture);
  }

  #upload({ inertia, stiffness, damping, fading }: Medium): void {
    if (this.#lost) return;
    const gl = this.#gl;
    const out = this.#interleaved;
    for (let i = 0, o = 0; i < inertia.length; i++, o += 4) {
      out[o] = inertia[i]!;
      out[o + 1] = stiffness[i]!;
      out[o + 2] = damping[i]!;
      out[o + 3] = fading[i]!;
    }
    this.#bind(1, this.#resources.medium);
    const { columns, rows } = this.grid;
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, columns, rows + 1, gl.RGBA, gl.FLOAT, out);
  }

  #uploadMap(view: ViewName): void {
    if (!isChannel(view)) return;
    const gl = this.#gl;
    this.#map = view;
    this.#bind(0, this.#resources.map);
    const values = channelMap(view, this.#parameters, this.#shape);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, MAP_COLUMNS, MAP_ROWS, gl.RED, gl.FLOAT, values);
  }
}

/** Whether WebGL 2 is absent or drawn by the processor. */
export function isEmulated(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (gl === null) return true;
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER) as string;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

function createTarget(gl: WebGL2RenderingContext, width: number, height: number): Target {
  const texture = createDataTexture(gl, gl.RGBA32F, width, height);
  const frame = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const status = gl.checkFramebufferStatus(gl.FRAMEBUFFER);
  gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  if (status !== gl.FRAMEBUFFER_COMPLETE && !gl.isContextLost()) {
    throw new GraphicsError("this graphics card cannot draw to float textures");
  }
  return { texture, frame, width, height };
}

function createPalette(gl: WebGL2RenderingContext, name: "tide" | "glow"): WebGLTexture {
  const texture = createDataTexture(gl, gl.RGBA8, PALETTE_WIDTH, 2);
  gl.texSubImage2D(
    gl.TEXTURE_2D, 0, 0, 0, PALETTE_WIDTH, 2, gl.RGBA, gl.UNSIGNED_BYTE, paletteBytes(name),
  );
  return texture;
}
