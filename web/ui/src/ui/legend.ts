/** The colour scale of the surface that is drawn, with its cut-offs. */

import { type Colours, paletteOf } from "../view/colours";
import { PALETTE_WIDTH, paletteBytes } from "../view/palette";
import type { Shade } from "../view/shades";
import { TextOut, byId } from "./dom";

export class Legend {
  readonly #canvas = byId("legend", HTMLCanvasElement);
  readonly #title = new TextOut("legend-title");
  readonly #unit = new TextOut("legend-unit");
  readonly #low = new TextOut("legend-low");
  readonly #middle = new TextOut("legend-middle");
  readonly #high = new TextOut("legend-high");

  readonly canvas = this.#canvas;

  show(shade: Shade, colours: Colours): void {
    this.#title.set(shade.label);
    this.#unit.set(colours.logarithmic ? `${shade.unit}, log` : shade.unit);
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    const { width, height } = this.#canvas;
    const bytes = paletteBytes(paletteOf(colours.palette, shade));
    const image = context.createImageData(width, height);
    for (let y = 0; y < height; y++) {
      // Where the sides have colours of their own, bids are the upper half and asks the lower.
      const row = y < height / 2 ? 0 : 1;
      for (let x = 0; x < width; x++) {
        const at = Math.floor((x / (width - 1)) * (PALETTE_WIDTH - 1));
        const from = (row * PALETTE_WIDTH + at) * 4;
        image.data.set(bytes.subarray(from, from + 4), (y * width + x) * 4);
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** The words under the scale as they stand: low end, middle, high end. */
  get words(): readonly [string, string, string] {
    return [this.#low.text, this.#middle.text, this.#high.text];
  }

  /** `low` and `high` are cut-offs above the shade's baseline. */
  showRange(shade: Shade, colours: Colours, low: number, high: number): void {
    const figure = (value: number): string => value.toFixed(Math.abs(value) >= 10 ? 1 : 3);
    const top = figure(shade.baseline + high);
    this.#high.set(`${top} ${shade.high}`);
    if (shade.signed) {
      this.#low.set(`−${top} ${shade.low}`);
      this.#middle.set("0");
    } else {
      this.#low.set(`${figure(shade.baseline + low)} ${shade.low}`);
      this.#middle.set(paletteOf(colours.palette, shade) === "sides" ? "bid over ask" : "");
    }
  }
}
