/** What the page needs of a solver, whichever processor runs it. */

import type { Channel, Grid } from "./medium";
import type { Parameters, Shape } from "./parameters";
import type { Statistics } from "./solver";

export const VIEWS = [
  { name: "wave", label: "Wave", low: "trough", high: "crest", unit: "" },
  { name: "intensity", label: "Intensity", low: "dark", high: "bright", unit: "mean u²" },
  { name: "viscosity", label: "Viscosity", low: "", high: "", unit: "loss per radian" },
  { name: "decay", label: "Decay", low: "", high: "", unit: "1/s" },
  { name: "distance", label: "Distance", low: "inside", high: "far", unit: "units to the object" },
  { name: "permeability", label: "Permeability", low: "", high: "", unit: "× free" },
  { name: "density", label: "Density", low: "", high: "", unit: "× free, added" },
] as const;

export type View = (typeof VIEWS)[number];
export type ViewName = View["name"];

export interface Reading {
  readonly displacement: number;
  readonly intensity: number;
}

/** Values at the two ends of the palette. */
export interface ValueRange {
  readonly low: number;
  readonly high: number;
}

export interface WaveEngine {
  /** Which processor it runs on. */
  readonly processor: string;
  readonly grid: Grid;
  /** Seconds of one step. */
  readonly step: number;
  readonly time: number;
  /** Whether it can take more steps now. */
  readonly ready: boolean;
  setParameters(parameters: Parameters, shape: Shape): void;
  restart(): void;
  advance(steps: number): void;
  draw(view: ViewName, range: ValueRange): void;
  resize(width: number, height: number): void;
  statistics(): Statistics;
  /** The field at a point of the domain. */
  read(x: number, y: number): Reading;
  /** Called when there is something new to draw that `advance` alone did not announce. */
  onNews: () => void;
}

export function isChannel(view: ViewName): view is Channel {
  return view !== "wave" && view !== "intensity";
}
