/** Maps of the five tensor channels, and the range of values each view is coloured over. */

import type { ValueRange, ViewName } from "./engine";
import { type Channel, DOMAIN_HEIGHT, DOMAIN_WIDTH, tensorAt } from "./medium";
import { type Parameters, type Shape, specOf } from "./parameters";

/** Fine enough for what is smooth but for one soft edge. */
export const MAP_COLUMNS = 400;
export const MAP_ROWS = 200;

/** [MAP_ROWS × MAP_COLUMNS] values of one channel, rows from the bottom. */
export function channelMap(channel: Channel, parameters: Parameters, shape: Shape): Float32Array {
  const map = new Float32Array(MAP_COLUMNS * MAP_ROWS);
  for (let row = 0; row < MAP_ROWS; row++) {
    const y = ((row + 0.5) / MAP_ROWS) * DOMAIN_HEIGHT;
    for (let column = 0; column < MAP_COLUMNS; column++) {
      const x = ((column + 0.5) / MAP_COLUMNS) * DOMAIN_WIDTH;
      map[row * MAP_COLUMNS + column] = tensorAt(parameters, shape, x, y)[channel];
    }
  }
  return map;
}

/** Values at the ends of the palette: fixed by the sliders, so that colours can be compared. */
export function rangeOf(view: ViewName, parameters: Parameters): ValueRange {
  switch (view) {
    case "wave":
      return { low: -1.6 * parameters.amplitude, high: 1.6 * parameters.amplitude };
    case "intensity":
      return { low: 0, high: 1.5 * parameters.amplitude ** 2 };
    case "distance":
      return { low: -4, high: 16 };
    case "viscosity":
    case "decay":
    case "permeability":
    case "density":
      return { low: 0, high: specOf(view).most };
  }
}
