import { describe, expect, it } from "vitest";

import { gridOf, mediumOf } from "../../../src/wave/medium";
import { INITIAL, PARAMETERS, type ParameterName, type Parameters } from "../../../src/wave/parameters";
import { WaveSolver, stepOf } from "../../../src/wave/solver";

const FREE: Parameters = { ...INITIAL, density: 0, permeability: 1 };

function run(columns: number, parameters: Parameters, seconds: number): WaveSolver {
  const solver = new WaveSolver(columns);
  solver.setParameters(parameters, "ellipse");
  solver.advance(Math.ceil(seconds / solver.step));
  return solver;
}

/** Row in the middle of the domain. */
function middle(solver: WaveSolver): number {
  return Math.floor(solver.grid.rows / 2);
}

/** Complex amplitude of a column's displacement at `frequency`, over whole periods from now on. */
function phasors(solver: WaveSolver, row: number, frequency: number): { re: number[]; im: number[] } {
  const { columns } = solver.grid;
  const re = new Array<number>(columns).fill(0);
  const im = new Array<number>(columns).fill(0);
  const steps = Math.round(2 / frequency / solver.step);
  for (let n = 0; n < steps; n++) {
    solver.advance(1);
    const angle = 2 * Math.PI * frequency * solver.time;
    for (let column = 0; column < columns; column++) {
      const u = solver.u[row * columns + column]!;
      re[column] = re[column]! + u * Math.cos(angle);
      im[column] = im[column]! - u * Math.sin(angle);
    }
  }
  return { re: re.map((v) => (2 * v) / steps), im: im.map((v) => (2 * v) / steps) };
}

describe("free space", () => {
  it.each([
    [2, 5],
    [4, 2.5],
    [10, 1],
  ])("has wavelength %s at %s Hz, the amplitude of the source, and no echo", (wavelength, frequency) => {
    const parameters = { ...FREE, wavelength, frequency, speed: wavelength * frequency };
    const solver = run(200, parameters, 5 + 4 / frequency);
    const { re, im } = phasors(solver, middle(solver), frequency);
    let turned = 0;
    const from = 10;
    const to = 190;
    for (let column = from; column < to; column++) {
      const [a, b] = [Math.atan2(im[column]!, re[column]!), Math.atan2(im[column + 1]!, re[column + 1]!)];
      turned += ((a - b + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
    }
    const measured = ((to - from) * solver.grid.cell * 2 * Math.PI) / turned;
    expect(Math.abs(measured / wavelength - 1)).toBeLessThan(0.02);
    for (let column = from; column < to; column += 15) {
      expect(Math.abs(Math.hypot(re[column]!, im[column]!) - 1)).toBeLessThan(0.02);
    }
  });

  it.each([1, 10, 50])("carries the wave at %s units a second", (speed) => {
    const parameters = { ...FREE, speed, wavelength: 4, frequency: speed / 4 };
    const solver = new WaveSolver(400);
    solver.setParameters(parameters, "ellipse");
    const { columns } = solver.grid;
    const row = middle(solver) * columns;
    /** Time at which the first crest of a column passes. */
    const crest = (column: number): number => {
      while (solver.time < 60 / speed) {
        const before = solver.u[row + column]!;
        const rise = solver.difference[row + column]!;
        solver.advance(1);
        const next = solver.difference[row + column]!;
        if (before > 0.5 && rise > 0 && next <= 0) return solver.time - solver.step + (solver.step * rise) / (rise - next);
      }
      throw new Error(`no crest passed column ${column}`);
    };
    const [near, far] = [80, 320];
    const distance = (far - near) * solver.grid.cell;
    const measured = distance / (-crest(near) + crest(far));
    expect(Math.abs(measured / speed - 1)).toBeLessThan(0.02);
  });

  it("keeps the wave plane up to the edges", () => {
    const solver = run(200, FREE, 4);
    const { columns, rows } = solver.grid;
    for (let column = 0; column < columns; column += 7) {
      const expected = solver.u[middle(solver) * columns + column]!;
      for (let row = 0; row < rows; row += 5) {
        expect(solver.u[row * columns + column]).toBeCloseTo(expected, 4);
      }
    }
  });

  it("decays by the given share a second", () => {
    const parameters = { ...FREE, decay: 0.5, wavelength: 4, frequency: 2.5 };
    const solver = run(200, parameters, 6);
    const { re, im } = phasors(solver, middle(solver), 2.5);
    const at = (column: number): number => Math.hypot(re[column]!, im[column]!);
    // 16 units at 10 units a second.
    expect(at(180) / at(20)).toBeCloseTo(Math.exp(-0.5 * 1.6), 1);
  });
});

describe("energy", () => {
  it.each([
    ["free space", FREE],
    ["a dense body", { ...INITIAL, density: 2 }],
    ["a stiff body", { ...INITIAL, permeability: 5 }],
    ["a soft body", { ...INITIAL, permeability: 0.1, density: 2 }],
    ["a viscous body in a decaying medium", { ...INITIAL, viscosity: 1, decay: 0.5 }],
    ["a body on the edge", { ...INITIAL, permeability: 5, density: 2, x: 0, y: 0, width: 5, height: 8 }],
  ])("never grows in %s without a source", (_, parameters) => {
    const solver = new WaveSolver(100);
    solver.setParameters({ ...parameters, amplitude: 0 }, "ellipse");
    seed(solver);
    let before = Infinity;
    const first = total(solver);
    for (let n = 0; n < 300; n++) {
      solver.advance(2);
      const now = total(solver);
      expect(now).toBeLessThanOrEqual(before * (1 + 1e-5) + 1e-7 * first);
      before = now;
    }
    expect(before).toBeLessThan(0.5 * first);
  });

  it("is what was there as long as nothing reaches an edge", () => {
    const solver = new WaveSolver(200);
    solver.setParameters({ ...INITIAL, amplitude: 0, permeability: 3 }, "ellipse");
    seed(solver);
    solver.advance(1);
    const first = total(solver);
    solver.advance(60);
    expect(total(solver) / first).toBeCloseTo(1, 3);
  });

  /** A bump beside the object. */
  function seed(solver: WaveSolver): void {
    const { columns, rows, cell, pad } = solver.grid;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const x = (column + 0.5) * cell - 9;
        const y = (row - pad + 0.5) * cell - 5.5;
        solver.u[row * columns + column] = Math.exp(-(x * x + y * y) / 0.8);
      }
    }
  }

  function total(solver: WaveSolver): number {
    const { kinetic, potential } = solver.statistics(true);
    return kinetic + potential;
  }
});

describe("stability", () => {
  it("keeps the CFL limit for every end of every slider", () => {
    const grid = gridOf(80);
    for (const name of PARAMETERS.map((spec) => spec.name)) {
      for (const other of ["permeability", "density", "speed"] as const) {
        for (const [value, second] of ends(name).flatMap((v) => ends(other).map((w) => [v, w] as const))) {
          const parameters = { ...INITIAL, [other]: second, [name]: value };
          const medium = mediumOf(parameters, "box", grid);
          let fastest = 1;
          medium.stiffness.forEach((stiffness, at) => {
            fastest = Math.max(fastest, Math.sqrt(stiffness / medium.inertia[at]!));
          });
          const courant = (parameters.speed * fastest * stepOf(medium)) / grid.cell;
          expect(courant, `${name} ${value}, ${other} ${second}`).toBeLessThan(Math.SQRT1_2);
          expect(courant).toBeGreaterThan(0.4);
        }
      }
    }
  });

  it("keeps it wherever the sliders stand together", () => {
    const grid = gridOf(60);
    // A fixed sequence that fills the cube of all sliders evenly (Roberts' R12).
    let phi = 2;
    for (let n = 0; n < 40; n++) phi = (1 + phi) ** (1 / (PARAMETERS.length + 1));
    for (let n = 1; n <= 120; n++) {
      const values = PARAMETERS.map(({ name, least, most }, dimension) => {
        const share = (0.5 + n / phi ** (dimension + 1)) % 1;
        return [name, least + share * (most - least)];
      });
      const parameters = Object.fromEntries(values) as Record<ParameterName, number>;
      const medium = mediumOf(parameters, n % 2 === 0 ? "box" : "ellipse", grid);
      let fastest = 1;
      medium.stiffness.forEach((stiffness, at) => {
        fastest = Math.max(fastest, Math.sqrt(stiffness / medium.inertia[at]!));
      });
      const courant = (parameters.speed * fastest * stepOf(medium)) / grid.cell;
      expect(courant, JSON.stringify(parameters)).toBeLessThan(Math.SQRT1_2);
    }
  });

  it.each([
    [5, 0, 50],
    [0.1, 2, 50],
    [5, 2, 1],
  ])("stays bounded with permeability %s, density %s and speed %s", (permeability, density, speed) => {
    const parameters = { ...INITIAL, permeability, density, speed, wavelength: 10, frequency: speed / 10, width: 5, height: 8 };
    const solver = new WaveSolver(80);
    solver.setParameters(parameters, "box");
    solver.advance(6000);
    expect(solver.statistics(true).largest).toBeLessThan(12);
  });

  it("goes on smoothly when a parameter changes", () => {
    const solver = run(100, FREE, 3);
    const before = solver.statistics();
    solver.setParameters({ ...FREE, permeability: 5, width: 0.5, height: 0.5, y: 0, x: 20 }, "ellipse");
    solver.advance(1);
    const after = solver.statistics();
    expect(after.kinetic / before.kinetic).toBeCloseTo(1, 1);
    expect(after.time).toBeGreaterThan(before.time);
  });

  function ends(name: ParameterName): [number, number] {
    const { least, most } = PARAMETERS.find((spec) => spec.name === name)!;
    return [least, most];
  }
});

describe("an object", () => {
  const dense: Parameters = { ...INITIAL, wavelength: 4, frequency: 2.5, density: 2, height: 4 };

  it("that is mirror-symmetric leaves a mirror-symmetric field", () => {
    const solver = run(160, dense, 4);
    const { columns, rows } = solver.grid;
    let largest = 0;
    for (let row = 0; row < rows / 2; row++) {
      for (let column = 0; column < columns; column++) {
        const [a, b] = [solver.u[row * columns + column]!, solver.u[(rows - 1 - row) * columns + column]!];
        largest = Math.max(largest, Math.abs(a - b));
      }
    }
    expect(largest).toBeLessThan(1e-4);
  });

  it("casts a shadow when it is a wall, and reflects", () => {
    const wall = { ...dense, wavelength: 2, frequency: 5, permeability: 5, width: 0.65, height: 6 };
    const solver = new WaveSolver(200);
    solver.setParameters(wall, "box");
    solver.advance(Math.ceil(5 / solver.step));
    const { columns } = solver.grid;
    const row = middle(solver) * columns;
    const mean = (from: number, to: number): number => {
      const values = Array.from(solver.intensity.subarray(row + from, row + to));
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(mean(112, 130)).toBeLessThan(0.15);
    expect(mean(30, 90)).toBeGreaterThan(0.6);
  });
});
