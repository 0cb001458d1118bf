/** The ring's mirror on the graphics card: each row goes up once, when it was written. */

import { HAS_FORECAST, HAS_OPTIONS, HAS_SNAP, HAS_VELOCITY, type SessionRing } from "../store/ring";
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
const ANY = HAS_SNAP | HAS_VELOCITY | HAS_FORECAST | HAS_OPTIONS;

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
  /** What the columns' texture holds. */
  readonly #mirror: Float32Array;
  /** 1 for rows that are behind; all 0 between calls. */
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
    this.#mirror = new Float32Array(ring.capacity * COLUMN_FLOATS);
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

  /** Put each texture into its unit. */
  bind(columns: number, field: number, palette: number, options: number): void {
    this.#bind(columns, this.columns);
    this.#bind(field, this.field);
    this.#bind(palette, this.palette);
    this.#bind(options, this.options);
    this.#gl.activeTexture(this.#gl.TEXTURE0);
  }

  #bind(unit: number, texture: WebGLTexture): void {
    this.#gl.activeTexture(this.#gl.TEXTURE0 + unit);
    this.#gl.bindTexture(this.#gl.TEXTURE_2D, texture);
  }

  /** Bring the card up to date with the ring for these numbers of a field and an options field. */
  sync(field: number, option: number): void {
    const ring = this.#ring;
    const behind = ring.written - this.#seen;
    if (field !== this.#field || option !== this.#option || behind > ring.remembered) {
      this.#field = field;
      this.#option = option;
      this.#uploadFields(0, ring.capacity);
      this.#uploadOptions(0, ring.capacity);
      this.#uploadColumns(0, ring.capacity);
    } else if (behind > 0) {
      this.#uploadWritten(HAS_VELOCITY);
      this.#uploadWritten(HAS_OPTIONS);
      this.#uploadWritten(ANY);
    }
    this.#seen = ring.written;
  }

  /**
   * Upload what writes of these surfaces changed, neighbouring rows in one go: their fields, or,
   * for any surface, their columns, which go up once however many surfaces came.
   */
  #uploadWritten(surfaces: number): void {
    const ring = this.#ring;
    const stale = this.#stale;
    for (let n = this.#seen; n < ring.written; n++) {
      if ((ring.writtenSurface(n) & surfaces) !== 0) stale[ring.writtenRow(n)] = 1;
    }
    for (let n = this.#seen; n < ring.written; n++) {
      const first = ring.writtenRow(n);
      let end = first;
      while (stale[end] === 1) stale[end++] = 0;
      if (end === first) continue;
      if (surfaces === HAS_VELOCITY) this.#uploadFields(first, end - first);
      else if (surfaces === HAS_OPTIONS) this.#uploadOptions(first, end - first);
      else this.#uploadColumns(first, end - first);
    }
  }

  #uploadFields(first: number, rows: number): void {
    const gl = this.#gl;
    const { grid, fields } = this.#ring;
    gl.bindTexture(gl.TEXTURE_2D, this.field);
    gl.texSubImage2D(
      gl.TEXTURE_2D, 0, 0, first, grid, rows, gl.RG, gl.FLOAT, fields[this.#field]!, first * grid * 2,
    );
  }

  #uploadOptions(first: number, rows: number): void {
    const gl = this.#gl;
    const { options, strikes } = this.#ring;
    if (strikes === 0) return;
    gl.bindTexture(gl.TEXTURE_2D, this.options);
    gl.texSubImage2D(
      gl.TEXTURE_2D, 0, 0, first, strikes, rows, gl.RED, gl.FLOAT, options[this.#option]!, first * strikes,
    );
  }

  #uploadColumns(first: number, rows: number): void {
    const gl = this.#gl;
    for (let row = first; row < first + rows; row++) this.#fillColumn(row);
    gl.bindTexture(gl.TEXTURE_2D, this.columns);
    gl.texSubImage2D(
      gl.TEXTURE_2D, 0, 0, first, COLUMN_TEXELS, rows, gl.RGBA, gl.FLOAT, this.#mirror, first * COLUMN_FLOATS,
    );
  }

  #fillColumn(row: number): void {
    const ring = this.#ring;
    const out = this.#mirror;
    const at = row * COLUMN_FLOATS;
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
    out[at + 3] = this.#relative(strike);
    out[at] = ring.owner[row]!;
    out[at + 1] = this.#relative(center);
    out[at + 2] = flags;
    out[at + 4] = this.#relative(ring.bid[row]!);
    out[at + 5] = this.#relative(ring.ask[row]!);
    out[at + 6] = this.#relative(ring.mid[row]!);
    out[at + 7] = this.#relative(spot);
    out[at + 8] = ring.buyQty[row]!;
    out[at + 9] = ring.sellQty[row]!;
  }

  /** Ticks from the anchor; unknown prices become 0 and are told by their flag. */
  #relative(tick: number): number {
    const relative = tick - this.anchor;
    return Number.isNaN(relative) ? 0 : relative;
  }
}
