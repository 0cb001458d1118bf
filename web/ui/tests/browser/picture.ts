/** Screenshots as pixels: a small PNG reader for 8-bit RGB and RGBA. */

import { inflateSync } from "node:zlib";

export type Rgb = readonly [red: number, green: number, blue: number];

const SIGNATURE_BYTES = 8;
const TRUECOLOUR = 2;

export class Picture {
  readonly width: number;
  readonly height: number;
  readonly #channels: number;
  readonly #pixels: Uint8Array;

  constructor(png: Buffer) {
    const data: Buffer[] = [];
    let width = 0;
    let height = 0;
    let channels = 0;
    for (let at = SIGNATURE_BYTES; at < png.length; ) {
      const length = png.readUInt32BE(at);
      const kind = png.toString("latin1", at + 4, at + 8);
      const body = png.subarray(at + 8, at + 8 + length);
      if (kind === "IHDR") {
        width = body.readUInt32BE(0);
        height = body.readUInt32BE(4);
        channels = body[9] === TRUECOLOUR ? 3 : 4;
      } else if (kind === "IDAT") data.push(body);
      at += length + 12;
    }
    this.width = width;
    this.height = height;
    this.#channels = channels;
    this.#pixels = unfilter(inflateSync(Buffer.concat(data)), width * channels, height, channels);
  }

  at(x: number, y: number): Rgb {
    const column = Math.floor(x);
    const row = Math.floor(y);
    if (column < 0 || column >= this.width || row < 0 || row >= this.height) {
      throw new RangeError(`(${x}, ${y}) is outside the picture`);
    }
    const from = (row * this.width + column) * this.#channels;
    return [this.#pixels[from]!, this.#pixels[from + 1]!, this.#pixels[from + 2]!];
  }
}

export function brightness([red, green, blue]: Rgb): number {
  return red + green + blue;
}

/** Undo the five row filters of PNG (specification, section 9). */
function unfilter(raw: Buffer, stride: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? out[y * stride + i - channels]! : 0;
      const up = y > 0 ? out[(y - 1) * stride + i]! : 0;
      const corner = y > 0 && i >= channels ? out[(y - 1) * stride + i - channels]! : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      out[y * stride + i] = raw[y * (stride + 1) + 1 + i]! + predicted;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
