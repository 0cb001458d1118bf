/** The particle wave as a query string that can be shared; what is at its initial value is left out. */

import { VIEWS, type ViewName } from "../wave/engine";
import {
  INITIAL,
  PARAMETERS,
  type ParameterName,
  type Parameters,
  SHAPES,
  type Shape,
  changeParameter,
  clampParameter,
} from "../wave/parameters";

export const COLUMNS = [800, 400, 200] as const;
export type Columns = (typeof COLUMNS)[number];

export const SOLVERS = ["gpu", "cpu"] as const;
export type Solver = (typeof SOLVERS)[number];

export interface WaveAddress {
  readonly values: Parameters;
  readonly shape: Shape;
  readonly view: ViewName;
  readonly paused: boolean;
  /** Null for what suits the machine. */
  readonly columns: Columns | null;
  /** Null for what suits the machine. */
  readonly solver: Solver | null;
}

/** Read an address; numbers out of range are clamped, parts that are not well formed are absent. */
export function parseWaveAddress(query: string): WaveAddress {
  const parameters = new URLSearchParams(query);
  const given: Partial<Record<ParameterName, number>> = {};
  for (const { name } of PARAMETERS) {
    const text = parameters.get(name);
    if (text !== null && text.trim() !== "" && Number.isFinite(Number(text))) {
      given[name] = clampParameter(name, Number(text));
    }
  }
  let values: Parameters = { ...INITIAL, ...given };
  // Where the given three contradict each other, or one was left out, the first given one rules.
  const rules = (["speed", "frequency", "wavelength"] as const).find((name) => name in given);
  const consistent = Math.abs(values.wavelength * values.frequency - values.speed) < 1e-6 * values.speed;
  if (rules !== undefined && !consistent) values = changeParameter(values, rules, values[rules]).values;
  return {
    values,
    shape: SHAPES.find((shape) => shape === parameters.get("shape")) ?? "ellipse",
    view: VIEWS.find(({ name }) => name === parameters.get("view"))?.name ?? "wave",
    paused: parameters.get("paused") === "1",
    columns: COLUMNS.find((columns) => String(columns) === parameters.get("columns")) ?? null,
    solver: SOLVERS.find((solver) => solver === parameters.get("solver")) ?? null,
  };
}

export function formatWaveAddress(address: WaveAddress): string {
  const parts: string[] = [];
  for (const { name, initial } of PARAMETERS) {
    const value = address.values[name];
    if (value !== initial) parts.push(`${name}=${Number(value.toPrecision(10))}`);
  }
  if (address.shape !== "ellipse") parts.push(`shape=${address.shape}`);
  if (address.view !== "wave") parts.push(`view=${address.view}`);
  if (address.columns !== null) parts.push(`columns=${address.columns}`);
  if (address.solver !== null) parts.push(`solver=${address.solver}`);
  if (address.paused) parts.push("paused=1");
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
