/** How a person wants the surface coloured: palette, scale, cut-offs. */

import type { PaletteName } from "./palette";
import type { Shade } from "./shades";

export const PALETTE_CHOICES = [
  { name: "native", label: "Of the surface" },
  { name: "safe", label: "Colour-blind safe" },
  { name: "grey", label: "Greys" },
] as const;

export type PaletteChoice = (typeof PALETTE_CHOICES)[number]["name"];

export interface Colours {
  palette: PaletteChoice;
  logarithmic: boolean;
  /** Percentiles of what is on the screen at which colour begins and is full; null: the shade's. */
  lowPercentile: number | null;
  highPercentile: number;
}

export const HIGHEST_LOW = 90;
export const LOWEST_HIGH = 50;
const FIRST_HIGH = 98;
/** Where a surface is never empty, its quietest cells are the ground. */
const QUIET_LOW = 4;

export function firstColours(): Colours {
  return { palette: "native", logarithmic: false, lowPercentile: null, highPercentile: FIRST_HIGH };
}

/** The lower percentile in force. */
export function lowOf(colours: Colours, shade: Shade): number {
  return colours.lowPercentile ?? (shade.fromQuietest ? QUIET_LOW : 0);
}

export function paletteOf(choice: PaletteChoice, shade: Shade): PaletteName {
  if (choice === "native") return shade.palette;
  if (choice === "safe") return shade.signed ? "safe-signed" : "cividis";
  return shade.signed ? "grey-signed" : "grey";
}

/** "5-95" or "-95"; null for the first choice. */
export function formatCutOffs({ lowPercentile, highPercentile }: Colours): string | null {
  if (lowPercentile === null && highPercentile === FIRST_HIGH) return null;
  return `${lowPercentile ?? ""}-${highPercentile}`;
}

export function parseColours(palette: string | null, log: string | null, cut: string | null): Colours {
  const colours = firstColours();
  colours.palette = PALETTE_CHOICES.find(({ name }) => name === palette)?.name ?? "native";
  colours.logarithmic = log === "1";
  const found = /^(\d{1,2}(?:\.\d)?)?-(\d{1,3}(?:\.\d)?)$/.exec(cut ?? "");
  if (found === null) return colours;
  if (found[1] !== undefined) colours.lowPercentile = Math.min(HIGHEST_LOW, Number(found[1]));
  colours.highPercentile = Math.min(100, Math.max(LOWEST_HIGH, Number(found[2])));
  const low = colours.lowPercentile ?? 0;
  if (low >= colours.highPercentile) colours.lowPercentile = null;
  return colours;
}
