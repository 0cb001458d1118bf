/** What a picture is made of besides the ring. */

import type { Camera } from "../view/camera";
import type { Colours } from "../view/colours";
import type { Layers } from "../view/layers";
import type { Shade } from "../view/shades";

export interface Scene {
  readonly camera: Camera;
  readonly layers: Layers;
  colours: Colours;
  shade: Shade;
  /** Cut-offs above the shade's baseline. */
  rangeLow: number;
  rangeHigh: number;
  /** Values of the options above their baseline at which colour begins and is full. */
  optionsLow: number;
  optionsHigh: number;
  /** Quantity of a large trade on the screen. */
  usualTrade: number;
  /** Seconds ahead over which past forecasts are drawn and judged. */
  pastHorizon: number;
  /** Newest window at or before NOW, -1 for none. */
  window: number;
}
