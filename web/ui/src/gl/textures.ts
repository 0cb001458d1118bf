/** The ring's mirror on the graphics card: each row goes up once, when it was written. */

import { HAS_OPTIONS, HAS_SNAP, HAS_VELOCITY, type SessionRing } from "../store/ring";
import { PALETTE_ROWS, PALETTE_WIDTH, type PaletteName, paletteBytes } from "../view/palette";
import { createDataTexture } from "./context";
import {
  FLAG_ASK,
  FLAG_BID,
  FLAG_MID,
  FLAG_OPTIONS,
  FLAG_SNAP,
  FLAG_SPOT,
  FLAG_VALID,
  FLAG_VELOCITY,
} from "./shaders";

const COLUMN_TEXELS = 3;
const COLUMN_FLOATS = COLUMN_TEXELS * 4;

export class RingTextures {
  readonly field: WebGLTexture;
  readonly columns: WebGLTexture;
  /** One field of the options: strikes × capacity. */
  readonly options: WebGLTexture;
  readonly palette: WebGLTexture;
  /** Integer tick that prices are relative to on the card. */
  anchor = NaN;
  /** Some strike, ticks from the anchor: all others lie whole steps from it. */
  strike = 0;

  readonly #gl: WebGL2RenderingContext;
  readonly #ring: SessionRing;
  readonly #row = new Float32Array(COLUMN_FLOATS);
  /** 1 for rows whose column is behind; all 0 between calls. */
  readonly #stale: Uint8Array;
  #seen = 0;
  #field = -1;
  #option = -1;
  #palette: PaletteName | null = null;

  constructor(gl: WebGL2RenderingContext, ring: SessionRing) {
    const largest = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    if (ring.capacity > largest || ring.grid > largest) {
      throw new RangeError(`the grid of ${ring.grid} cells exceeds the card's ${largest}`);
    }
    this.#gl = gl;
    this.#ring = ring;
    this.#stale = new Uint8Array(ring.capacity);
    this.field = createDataTexture(gl, gl.RG32F, ring.grid, ring.capacity);
    this.columns = createDataTexture(gl, gl.RGBA32F, COLUMN_TEXELS, ring.capacity);
    this.options = createDataTexture(gl, gl.R32F, Math.max(1, ring.strikes), ring.capacity);
    this.palette = createDataTexture(gl, gl.RGBA8, PALETTE_WIDTH, PALETTE_ROWS);
  }

  dispose(): void {
    for (const texture of [this.field, this.columns, this.options, this.palette]) this.#gl.deleteTexture(texture);
  }

  showPalette(name: PaletteName): void {
    if (name === this.#palette) return;
    const gl = this.#gl;
    this.#palette = name;
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texSubImage2D(
      gl.TEXTURE_2D, 0, 0, 0, PALETTE_WIDTH, PALETTE_ROWS, gl.RGBA, gl.UNSIGNED_BYTE, paletteBytes(name),
    );
  }

  /** Bring the card up to date with the ring for these numbers of a field and an options field. */
  sync(field: number, option: number): void {
    const gl = this.#gl;
    const ring = this.#ring;
    const behind = ring.written - this.#seen;
    if (field !== this.#field || option !== this.#option || behind > ring.remembered) {
      this.#field = field;
      this.#option = option;
      if (ring.strikes > 0) {
        gl.bindTexture(gl.TEXTURE_2D, this.options);
        gl.texSubImage2D(
          gl.TEXTURE_2D, 0, 0, 0, ring.strikes, ring.capacity, gl.RED, gl.FLOAT, ring.options[option]!,
        );
      }
      gl.bindTexture(gl.TEXTURE_2D, this.field);
      gl.texSubImage2D(
        gl.TEXTURE_2D, 0, 0, 0, ring.grid, ring.capacity, gl.RG, gl.FLOAT, ring.fields[field]!,
      );
      for (let row = 0; row < ring.capacity; row++) this.#uploadColumn(row);
      this.#seen = ring.written;
      return;
    }
    if (behind === 0) return;
    for (let n = this.#seen; n < ring.written; n++) {
      const row = ring.writtenRow(n);
      const surface = ring.writtenSurface(n);
      this.#stale[row] = 1;
      if (surface === HAS_VELOCITY) this.#uploadField(row, field);
      else if (surface === HAS_OPTIONS) this.#uploadOptions(row, option);
    }
    // A window's surfaces come one after the other: its column goes up once for all of them.
    for (let n = this.#seen; n < ring.written; n++) {
      const row = ring.writtenRow(n);
      if (this.#stale[row] === 0) continue;
      this.#stale[row] = 0;
      this.#uploadColumn(row);
    }
    this.#seen = ring.written;
  }

  #uploadField(row: number, field: number): void {
    const gl = this.#gl;
    const { grid, fields } = this.#ring;
    gl.bindTexture(gl.TEXTURE_2D, this.field);
    gl.texSubImage2D(
      gl.TEXTURE_2D, 0, 0, row, grid, 1, gl.RG, gl.FLOAT, fields[field]!, row * grid * 2,
    );
  }

  #uploadOptions(row: number, option: number): void {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.options);
    const { options, strikes } = this.#ring;
    gl.texSubImage2D(
      gl.TEXTURE_2D, 0, 0, row, strikes, 1, gl.RED, gl.FLOAT, options[option]!, row * strikes,
    );
  }

  #uploadColumn(row: number): void {
    const gl = this.#gl;
    const ring = this.#ring;
    const out = this.#row;
    const center = ring.center[row]!;
    const spot = ring.spot[row]!;
    if (Number.isNaN(this.anchor)) {
      if (!Number.isNaN(center)) this.anchor = Math.round(center);
      else if (!Number.isNaN(spot)) this.anchor = Math.round(spot);
    }
    const present = ring.present[row]!;
    let flags = 0;
    if ((present & HAS_SNAP) !== 0) flags |= FLAG_SNAP;
    if ((present & HAS_VELOCITY) !== 0 && !Number.isNaN(center)) flags |= FLAG_VELOCITY;
    if (ring.valid[row] === 1) flags |= FLAG_VALID;
    if (!Number.isNaN(ring.bid[row]!)) flags |= FLAG_BID;
    if (!Number.isNaN(ring.ask[row]!)) flags |= FLAG_ASK;
    if (!Number.isNaN(spot)) flags |= FLAG_SPOT;
    if (!Number.isNaN(ring.mid[row]!)) flags |= FLAG_MID;
    const strike = ring.firstStrike[row]!;
    if (!Number.isNaN(strike)) {
      flags |= FLAG_OPTIONS;
      this.strike = this.#relative(strike);
    }
    out[3] = this.#relative(strike);
    out[0] = ring.owner[row]!;
    out[1] = this.#relative(center);
    out[2] = flags;
    out[4] = this.#relative(ring.bid[row]!);
    out[5] = this.#relative(ring.ask[row]!);
    out[6] = this.#relative(ring.mid[row]!);
    out[7] = this.#relative(spot);
    out[8] = ring.buyQty[row]!;
    out[9] = ring.sellQty[row]!;
    gl.bindTexture(gl.TEXTURE_2D, this.columns);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, COLUMN_TEXELS, 1, gl.RGBA, gl.FLOAT, out);
  }

  /** Ticks from the anchor; unknown prices become 0 and are told by their flag. */
  #relative(tick: number): number {
    const relative = tick - this.anchor;
    return Number.isNaN(relative) ? 0 : relative;
  }
}
