/** What all programs of a frame share: one uniform block, written once a frame. */

import type { Camera } from "../view/camera";

/** Name of the block in the shaders, and the point that it is bound to. */
export const VIEW_BLOCK = "View";
export const VIEW_BINDING = 0;

/** std140: vec4 view, vec2 size, float now, int origin, int mask, padded to vec4. */
const WORDS = 12;

export class ViewBlock {
  readonly #gl: WebGL2RenderingContext;
  readonly #floats = new Float32Array(WORDS);
  readonly #ints = new Int32Array(this.#floats.buffer);
  readonly #buffer: WebGLBuffer;

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#buffer = gl.createBuffer();
    gl.bindBuffer(gl.UNIFORM_BUFFER, this.#buffer);
    gl.bufferData(gl.UNIFORM_BUFFER, this.#floats.byteLength, gl.DYNAMIC_DRAW);
  }

  /** `origin` is the window that times are relative to, `anchor` the tick that prices are. */
  write(camera: Camera, ratio: number, origin: number, anchor: number, capacity: number): void {
    const gl = this.#gl;
    const floats = this.#floats;
    floats[0] = camera.timeAt(0) - origin;
    floats[1] = 1 / (camera.pxPerSecond * ratio);
    floats[2] = camera.tickAt(camera.height) - anchor;
    floats[3] = 1 / (camera.pxPerTick * ratio);
    floats[4] = gl.drawingBufferWidth;
    floats[5] = gl.drawingBufferHeight;
    floats[6] = camera.now - origin;
    this.#ints[7] = origin;
    this.#ints[8] = capacity - 1;
    gl.bindBufferBase(gl.UNIFORM_BUFFER, VIEW_BINDING, this.#buffer);
    gl.bufferSubData(gl.UNIFORM_BUFFER, 0, floats);
  }
}
