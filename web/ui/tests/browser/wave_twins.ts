/** Runs in a blank page: the graphics card's solver beside the reference, over the same steps. */

import { GpuWave } from "../../src/gl/wave";
import { INITIAL, type Parameters } from "../../src/wave/parameters";
import { WaveSolver } from "../../src/wave/solver";

export interface Twins {
  /** Largest difference of displacement and of intensity, over all cells looked at. */
  displacement: number;
  intensity: number;
  cells: number;
  gpu: { time: number; largest: number; kinetic: number; potential: number };
  cpu: { time: number; largest: number; kinetic: number; potential: number };
}

const COLUMNS = 100;

function compare(): Twins {
  const gpu = new GpuWave(document.createElement("canvas"), COLUMNS);
  const cpu = new WaveSolver(COLUMNS);
  const first: Parameters = { ...INITIAL, wavelength: 4, frequency: 2.5, decay: 0.2, density: 2, permeability: 0.5 };
  const second: Parameters = { ...first, viscosity: 0.7, permeability: 4, x: 8, y: 2, amplitude: 2 };
  for (const parameters of [first, second]) {
    gpu.setParameters(parameters, "ellipse");
    cpu.setParameters(parameters, "ellipse");
    gpu.advance(90);
    cpu.advance(90);
  }
  const { columns, visibleRows, pad, cell } = cpu.grid;
  let displacement = 0;
  let intensity = 0;
  let cells = 0;
  for (let row = 0; row < visibleRows; row += 7) {
    for (let column = 0; column < columns; column += 3) {
      const seen = gpu.read((column + 0.5) * cell, (row + 0.5) * cell);
      const at = (row + pad) * columns + column;
      displacement = Math.max(displacement, Math.abs(seen.displacement - cpu.u[at]!));
      intensity = Math.max(intensity, Math.abs(seen.intensity - cpu.intensity[at]!));
      cells += 1;
    }
  }
  return { displacement, intensity, cells, gpu: gpu.statistics(), cpu: cpu.statistics() };
}

Object.assign(window, { compare });
