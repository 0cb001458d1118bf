/**
 * Colour tables of the heat map: 256 colours for each side and for the options, with transparency,
 * as RGBA bytes.
 */

type Stop = readonly [at: number, red: number, green: number, blue: number, alpha: number];

export const PALETTE_WIDTH = 256;
/** Bids, asks, options. */
export const PALETTE_ROWS = 3;

/** Signed: what is pulled burns, what is added cools; nothing at all is clear. */
const TIDE: readonly Stop[] = [
  [0, 255, 236, 190, 1],
  [0.14, 255, 168, 76, 1],
  [0.3, 214, 72, 58, 0.95],
  [0.43, 96, 24, 58, 0.62],
  [0.5, 12, 14, 26, 0],
  [0.57, 10, 52, 92, 0.62],
  [0.7, 12, 118, 168, 0.95],
  [0.86, 64, 208, 212, 1],
  [1, 216, 255, 240, 1],
];

const GLOW: readonly Stop[] = [
  [0, 8, 8, 20, 0],
  [0.12, 30, 18, 66, 0.55],
  [0.32, 92, 28, 116, 0.9],
  [0.55, 200, 54, 96, 1],
  [0.76, 250, 130, 50, 1],
  [0.92, 252, 214, 110, 1],
  [1, 255, 250, 220, 1],
];

const BID: readonly Stop[] = [
  [0, 6, 16, 24, 0],
  [0.15, 8, 40, 66, 0.6],
  [0.45, 12, 98, 132, 0.92],
  [0.75, 38, 178, 176, 1],
  [0.93, 140, 236, 206, 1],
  [1, 232, 255, 244, 1],
];

const ASK: readonly Stop[] = [
  [0, 20, 10, 18, 0],
  [0.15, 62, 20, 52, 0.6],
  [0.45, 144, 40, 74, 0.92],
  [0.75, 226, 104, 74, 1],
  [0.93, 250, 190, 122, 1],
  [1, 255, 244, 222, 1],
];

/** Options in a hue of their own, so that a strike is never taken for a level of the book. */
const STRIKE: readonly Stop[] = [
  [0, 30, 16, 60, 0],
  [0.2, 74, 40, 150, 0.5],
  [0.55, 142, 86, 240, 0.85],
  [0.85, 206, 170, 255, 0.95],
  [1, 246, 238, 255, 1],
];

/** Violet for what is added at a strike, rose for what is pulled. */
const STRIKE_SIGNED: readonly Stop[] = [
  [0, 255, 226, 240, 1],
  [0.2, 250, 128, 190, 0.9],
  [0.38, 150, 40, 110, 0.6],
  [0.5, 20, 14, 30, 0],
  [0.62, 84, 50, 170, 0.6],
  [0.8, 158, 112, 250, 0.9],
  [1, 240, 230, 255, 1],
];

/** Cividis (Nuñez, Anderton and Renslow 2018): the same to eyes with and without red-green vision. */
const CIVIDIS: readonly Stop[] = [
  [0, 0, 32, 77, 0],
  [0.1, 0, 42, 102, 0.6],
  [0.25, 55, 76, 110, 0.92],
  [0.5, 124, 123, 120, 1],
  [0.75, 188, 174, 108, 1],
  [1, 255, 234, 70, 1],
];

/** Orange to blue, which no common colour blindness confuses; clear in the middle. */
const SAFE: readonly Stop[] = [
  [0, 255, 238, 200, 1],
  [0.2, 253, 174, 70, 1],
  [0.36, 190, 98, 10, 0.95],
  [0.5, 14, 14, 20, 0],
  [0.64, 30, 92, 190, 0.95],
  [0.8, 96, 168, 250, 1],
  [1, 222, 240, 255, 1],
];

const GREY: readonly Stop[] = [
  [0, 10, 12, 16, 0],
  [0.15, 48, 50, 54, 0.7],
  [1, 255, 255, 255, 1],
];

/** Light for what is added, mid grey for what is pulled. */
const GREY_SIGNED: readonly Stop[] = [
  [0, 150, 146, 140, 1],
  [0.4, 62, 60, 58, 0.8],
  [0.5, 10, 12, 16, 0],
  [0.6, 96, 100, 106, 0.8],
  [1, 255, 255, 255, 1],
];

export type PaletteName =
  | "tide"
  | "glow"
  | "sides"
  | "safe-signed"
  | "cividis"
  | "grey-signed"
  | "grey";

/** RGBA bytes of a palette, [3 × 256 × 4]: rows for bids, asks and options. */
export function paletteBytes(name: PaletteName): Uint8Array {
  const bytes = new Uint8Array(PALETTE_ROWS * PALETTE_WIDTH * 4);
  const rows = {
    tide: [TIDE, TIDE, STRIKE_SIGNED],
    glow: [GLOW, GLOW, STRIKE],
    sides: [BID, ASK, STRIKE],
    "safe-signed": [SAFE, SAFE, SAFE],
    cividis: [CIVIDIS, CIVIDIS, CIVIDIS],
    "grey-signed": [GREY_SIGNED, GREY_SIGNED, GREY_SIGNED],
    grey: [GREY, GREY, GREY],
  }[name];
  rows.forEach((stops, row) => {
    for (let i = 0; i < PALETTE_WIDTH; i++) {
      writeColour(stops, i / (PALETTE_WIDTH - 1), bytes, (row * PALETTE_WIDTH + i) * 4);
    }
  });
  return bytes;
}

function writeColour(stops: readonly Stop[], at: number, out: Uint8Array, offset: number): void {
  let upper = 1;
  while (upper < stops.length - 1 && stops[upper]![0] < at) upper++;
  const low = stops[upper - 1]!;
  const high = stops[upper]!;
  const share = Math.min(1, Math.max(0, (at - low[0]) / (high[0] - low[0])));
  const mix = (a: number, b: number): number => a + (b - a) * share;
  out[offset] = Math.round(mix(low[1], high[1]));
  out[offset + 1] = Math.round(mix(low[2], high[2]));
  out[offset + 2] = Math.round(mix(low[3], high[3]));
  out[offset + 3] = Math.round(255 * mix(low[4], high[4]));
}
