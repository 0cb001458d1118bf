/** How each field of the surface becomes colour. */

import { type FieldName, OPTION_FIELDS } from "../wire/fields";
import type { PaletteName } from "./palette";

export interface Shade {
  readonly field: FieldName;
  readonly label: string;
  readonly unit: string;
  /** Signed fields add the sides and centre the palette on zero; others take the larger side. */
  readonly signed: boolean;
  /** Value of an empty cell. */
  readonly baseline: number;
  /** Whether colour begins at the quietest cell on the screen, because none is ever empty. */
  readonly fromQuietest: boolean;
  /** Shortest range above the baseline: keeps a silent market from being drawn as a loud one. */
  readonly leastRange: number;
  /** Exponent of the value's share of the range: above 1 the quiet recedes. */
  readonly gamma: number;
  readonly palette: PaletteName;
  readonly low: string;
  readonly high: string;
}

export const SHADES: readonly Shade[] = [
  {
    field: "liquidity_velocity",
    label: "Liquidity velocity",
    unit: "share of depth / s",
    signed: true,
    baseline: 0,
    fromQuietest: false,
    leastRange: 0.02,
    gamma: 0.7,
    palette: "tide",
    low: "pulled",
    high: "added",
  },
  {
    field: "u_wave_energy",
    label: "Wave energy",
    unit: "u",
    signed: false,
    baseline: 0,
    fromQuietest: false,
    leastRange: 0.02,
    gamma: 0.8,
    palette: "glow",
    low: "calm",
    high: "wave",
  },
  {
    field: "nu",
    label: "Viscosity ν",
    unit: "ν",
    signed: false,
    baseline: 1,
    fromQuietest: true,
    leastRange: 0.5,
    gamma: 0.9,
    palette: "glow",
    low: "free",
    high: "viscous",
  },
  {
    field: "pressure_grad",
    label: "Pressure",
    unit: "u·φ",
    signed: true,
    baseline: 0,
    fromQuietest: false,
    leastRange: 0.01,
    gamma: 0.75,
    palette: "tide",
    low: "down",
    high: "up",
  },
  {
    field: "Omega",
    label: "Obstacle Ω",
    unit: "Ω",
    signed: false,
    baseline: 0,
    fromQuietest: true,
    leastRange: 0.5,
    gamma: 1,
    palette: "sides",
    low: "open",
    high: "wall",
  },
  {
    field: "rho",
    label: "Depth",
    unit: "ln(1 + quantity)",
    signed: false,
    baseline: 0,
    fromQuietest: true,
    leastRange: 1,
    gamma: 1.1,
    palette: "sides",
    low: "empty",
    high: "deep",
  },
];

/** Number of the options field drawn with a shade: its own where it has one, else the obstacle. */
export function optionsFieldOf(shade: Shade): number {
  const own = OPTION_FIELDS.findIndex((field) => field === shade.field);
  return own >= 0 ? own : OPTION_FIELDS.indexOf("Omega");
}

/** Value of an empty strike: options are summed over two rights and two sides. */
export function optionsBaseline(shade: Shade): number {
  return OPTION_FIELDS[optionsFieldOf(shade)] === shade.field ? 4 * shade.baseline : 0;
}

/** The shade of a field's name, or the first one. */
export function shadeOf(field: string | null): Shade {
  return SHADES.find((shade) => shade.field === field) ?? SHADES[0]!;
}
