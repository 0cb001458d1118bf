/** Colours of what is not a field. */

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** The colours that a choice of palette changes. */
export interface Inks {
  readonly bid: Rgba;
  readonly ask: Rgba;
  readonly bought: Rgba;
  readonly sold: Rgba;
  readonly hit: Rgba;
  readonly miss: Rgba;
}

/** What rises and what falls, bids and asks: green and red, or what no colour blindness confuses. */
export const NATIVE_INKS: Inks = {
  bid: [0.37, 0.93, 0.74, 0.8],
  ask: [1, 0.52, 0.46, 0.8],
  bought: [0.3, 0.95, 0.66, 0.92],
  sold: [1, 0.42, 0.4, 0.92],
  hit: [0.36, 0.95, 0.6, 0.85],
  miss: [1, 0.38, 0.38, 0.85],
};
export const SAFE_INKS: Inks = {
  bid: [0.42, 0.72, 1, 0.85],
  ask: [1, 0.68, 0.25, 0.85],
  bought: [0.45, 0.74, 1, 0.92],
  sold: [1, 0.66, 0.2, 0.92],
  hit: [0.42, 0.74, 1, 0.9],
  miss: [1, 0.6, 0.15, 0.9],
};
