/**
 * The medium in which the wave runs, cell by cell: the physics tensor and what the solver makes of it.
 *
 * Distances are in units of the domain (20 × 10), y upwards. The object's edge is soft over
 * `EDGE` units, so that a coarse grid sees the same object as a fine one.
 */

import type { Parameters, Shape } from "./parameters";

export const DOMAIN_WIDTH = 20;
export const DOMAIN_HEIGHT = 10;
/** Rows above and below the domain, in units, in which scattered waves fade out. */
const PAD_HEIGHT = 2;
const EDGE = 0.08;
/** Loss of the fading rows for waves that are short beside them, exponent of one crossing. */
const PAD_LOSS = 1.5;

export const CHANNELS = ["viscosity", "decay", "distance", "permeability", "density"] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Grid {
  /** Side of a cell, units. */
  readonly cell: number;
  readonly columns: number;
  /** Rows of the domain; the pads lie below and above them. */
  readonly visibleRows: number;
  readonly pad: number;
  readonly rows: number;
}

/** A grid with so many columns over the width of the domain. */
export function gridOf(columns: number): Grid {
  const cell = DOMAIN_WIDTH / columns;
  const visibleRows = Math.round(DOMAIN_HEIGHT / cell);
  const pad = Math.round(PAD_HEIGHT / cell);
  return { cell, columns, visibleRows, pad, rows: visibleRows + 2 * pad };
}

/** The five channels of the physics tensor at one point. */
export type Tensor = Readonly<Record<Channel, number>>;

export function tensorAt(parameters: Parameters, shape: Shape, x: number, y: number): Tensor {
  const distance = distanceToObject(parameters, shape, x, y);
  const share = coverage(distance);
  return {
    viscosity: parameters.viscosity * share,
    decay: parameters.decay,
    distance,
    permeability: 1 + (parameters.permeability - 1) * share,
    density: parameters.density * share,
  };
}

/** Signed distance to the object's edge, units; negative inside. */
export function distanceToObject(
  { x: centerX, y: centerY, width, height }: Parameters,
  shape: Shape,
  x: number,
  y: number,
): number {
  const px = Math.abs(x - centerX);
  const py = Math.abs(y - centerY);
  if (shape === "box") {
    const dx = px - width / 2;
    const dy = py - height / 2;
    return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0);
  }
  return distanceToEllipse(px, py, width / 2, height / 2);
}

/**
 * Distance to an ellipse from a point of its first quadrant.
 *
 * Each round takes the ellipse near the last point for its circle of curvature, whose centre lies
 * on the evolute, and looks towards the point from there: four rounds settle for every shape.
 */
function distanceToEllipse(px: number, py: number, a: number, b: number): number {
  let tx = Math.SQRT1_2;
  let ty = Math.SQRT1_2;
  for (let round = 0; round < 4; round++) {
    const evoluteX = ((a * a - b * b) * tx ** 3) / a;
    const evoluteY = ((b * b - a * a) * ty ** 3) / b;
    const radius = Math.hypot(a * tx - evoluteX, b * ty - evoluteY);
    const qx = px - evoluteX;
    const qy = py - evoluteY;
    const q = Math.hypot(qx, qy) || 1;
    tx = Math.min(1, Math.max(0, ((qx * radius) / q + evoluteX) / a));
    ty = Math.min(1, Math.max(0, ((qy * radius) / q + evoluteY) / b));
    const norm = Math.hypot(tx, ty) || 1;
    tx /= norm;
    ty /= norm;
  }
  const inside = (px / a) ** 2 + (py / b) ** 2 < 1;
  return Math.hypot(px - a * tx, py - b * ty) * (inside ? -1 : 1);
}

/** How much of a point belongs to the object: 1 inside, 0 outside, smooth over the edge. */
function coverage(distance: number): number {
  const at = Math.min(1, Math.max(0, 0.5 - distance / (2 * EDGE)));
  return at * at * (3 - 2 * at);
}

/** What each cell is made of: the solver's coefficients, rows from the bottom. */
export interface Medium {
  readonly grid: Grid;
  /** [rows + 1 × columns] each; the last row is free of any object and of fading. */
  readonly inertia: Float32Array;
  readonly stiffness: Float32Array;
  /** Rates, 1/s. */
  readonly damping: Float32Array;
  readonly fading: Float32Array;
  /** Largest stable time step, seconds. */
  readonly largestStep: number;
}

/**
 * Coefficients of ρ·(ü + σ·u̇) = c²·∇·(κ·∇u) for every cell.
 *
 * - inertia ρ = 1 + density and stiffness κ = permeability: the local speed is c·√(κ/ρ);
 * - damping σ = 2·decay + viscosity·2πf, and at the left and right edge the impedance of a medium
 *   that goes on for ever;
 * - fading: the same for the lower and upper edge and the pads before them. It damps what differs
 *   from the undisturbed wave only, so that a plane wave passes along the edges unharmed.
 */
export function mediumOf(parameters: Parameters, shape: Shape, grid: Grid): Medium {
  const { cell, columns, rows, pad } = grid;
  const cells = (rows + 1) * columns;
  const inertia = new Float32Array(cells).fill(1);
  const stiffness = new Float32Array(cells).fill(1);
  const damping = new Float32Array(cells);
  const fading = new Float32Array(cells);
  // The outermost nodes stand for half a cell, so the impedance c damps them at 2c a cell.
  const edge = (2 * parameters.speed) / cell;
  const viscous = 2 * Math.PI * parameters.frequency;
  // Far from the object nothing needs its distance.
  const reachX = parameters.width / 2 + EDGE;
  const reachY = parameters.height / 2 + EDGE;
  for (let row = 0; row <= rows; row++) {
    const y = (row - pad + 0.5) * cell;
    const fades = row === rows ? 0 : fadingOf(parameters, grid, row) + (row === 0 || row === rows - 1 ? edge : 0);
    const nearY = row < rows && Math.abs(y - parameters.y) <= reachY;
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const x = (column + 0.5) * cell;
      let share = 0;
      if (nearY && Math.abs(x - parameters.x) <= reachX) {
        share = coverage(distanceToObject(parameters, shape, x, y));
      }
      const sides = column === 0 || column === columns - 1 ? edge : 0;
      inertia[at] = 1 + parameters.density * share;
      stiffness[at] = 1 + (parameters.permeability - 1) * share;
      damping[at] = 2 * parameters.decay + parameters.viscosity * share * viscous + sides;
      fading[at] = fades;
    }
  }
  const step = largestStep(inertia, stiffness, grid, parameters.speed);
  return { grid, inertia, stiffness, damping, fading, largestStep: step };
}

/** Fading rate of a pad row, 1/s: gentle for waves that are long beside the pad, or it reflects. */
function fadingOf(parameters: Parameters, grid: Grid, row: number): number {
  const { pad, rows, cell } = grid;
  const depth = Math.max(pad - row - 0.5, row + 0.5 - (rows - pad)) / pad;
  if (depth <= 0) return 0;
  const loss = Math.min(PAD_LOSS, (PAD_LOSS * PAD_HEIGHT) / parameters.wavelength);
  return (3 * loss * parameters.speed * depth * depth) / (pad * cell);
}

/**
 * The leapfrog's bound 2/√λ, λ at most twice the largest sum of a cell's face stiffness over its
 * inertia (Gershgorin): the CFL limit of this very medium.
 */
function largestStep(
  inertia: Float32Array,
  stiffness: Float32Array,
  { cell, columns, rows }: Grid,
  speed: number,
): number {
  let largest = 4;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const own = stiffness[at]!;
      if (own === 1 && inertia[at] === 1) continue;
      // Neighbours beyond an edge mirror those before it, as in the solver.
      const left = stiffness[column > 0 ? at - 1 : at + 1]!;
      const right = stiffness[column < columns - 1 ? at + 1 : at - 1]!;
      const below = stiffness[row > 0 ? at - columns : at + columns]!;
      const above = stiffness[row < rows - 1 ? at + columns : at - columns]!;
      largest = Math.max(largest, (left + right + below + above + 4 * own) / (2 * inertia[at]!));
    }
  }
  return (2 * cell) / (speed * Math.sqrt(2 * largest));
}
