/** Scenes worth seeing, each a full set of parameters. */

import { INITIAL, type Parameters, type Shape } from "./parameters";

export interface Preset {
  readonly name: string;
  readonly label: string;
  readonly about: string;
  readonly shape: Shape;
  readonly values: Parameters;
}

export const PRESETS: readonly Preset[] = [
  {
    name: "start",
    label: "Start",
    about: "The values the page begins with: a slightly denser body in a long wave.",
    shape: "ellipse",
    values: INITIAL,
  },
  {
    name: "free",
    label: "Free space",
    about: "No object: the plane wave crosses and leaves, nothing comes back.",
    shape: "ellipse",
    values: { ...INITIAL, wavelength: 4, frequency: 2.5, density: 0 },
  },
  {
    name: "wall",
    label: "Wall",
    about: "Stiff and heavy, a quarter wave thick: it reflects, waves bend round its ends, a shadow lies behind.",
    shape: "box",
    values: { ...INITIAL, wavelength: 2, frequency: 5, permeability: 5, density: 2, width: 0.65, height: 5, x: 9 },
  },
  {
    name: "lens",
    label: "Lens",
    about: "Dense and slow: the wave bends towards the axis and meets in a focus.",
    shape: "ellipse",
    values: { ...INITIAL, wavelength: 2, frequency: 5, density: 1.2, width: 4, height: 6, x: 7 },
  },
  {
    name: "absorber",
    label: "Absorber",
    about: "As stiff and heavy as free space but viscous: hardly an echo, and darkness behind.",
    shape: "ellipse",
    values: { ...INITIAL, wavelength: 2, frequency: 5, density: 0, viscosity: 0.8, width: 4, height: 5, x: 9 },
  },
];
