/** Which surface is drawn and in what colours; keeps cut-offs and legend in step with the screen. */

import type { Scene } from "../gl/scene";
import { HAS_OPTIONS, HAS_SNAP, RING_CAPACITY, type SessionRing } from "../store/ring";
import { type Colours, lowOf } from "../view/colours";
import { type CutOffs, type VisibleRange, measureCutOffs } from "../view/range";
import { SHADES, optionsBaseline, optionsFieldOf, shadeOf } from "../view/shades";
import { FIELDS } from "../wire/fields";
import { Legend } from "./legend";

/** Share of what traded in a second that is smaller than a large trade. */
const LARGE_TRADE = 0.95;

export class Shading {
  readonly legend = new Legend();
  readonly #scene: Scene;
  readonly #visible: VisibleRange = { firstWindow: 0, lastWindow: 0, lowTick: 0, highTick: 0 };
  readonly #percentiles: CutOffs = { low: 0, high: 100 };
  readonly #traded = new Float64Array(2 * RING_CAPACITY);
  readonly #cutOffs: CutOffs = { low: 0, high: 1 };

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** The windows and ticks that were on the screen when the cut-offs were last measured. */
  get visible(): Readonly<VisibleRange> {
    return this.#visible;
  }

  showField(field: string | null): void {
    this.#scene.shade = shadeOf(field);
    this.showColours(this.#scene.colours);
  }

  /** Name of the surface after the one that is shown. */
  get nextField(): string {
    return SHADES[(SHADES.indexOf(this.#scene.shade) + 1) % SHADES.length]!.field;
  }

  /** Name of the surface, null for the first one. */
  get field(): string | null {
    return this.#scene.shade === SHADES[0] ? null : this.#scene.shade.field;
  }

  showColours(colours: Colours): void {
    this.#scene.colours = colours;
    this.legend.show(this.#scene.shade, colours);
  }

  /** Measure the cut-offs and trades of what is on the screen; false when nothing is. */
  measure(ring: SessionRing): boolean {
    const scene = this.#scene;
    const { camera, shade, colours } = scene;
    const visible = this.#visible;
    visible.firstWindow = Math.floor(camera.timeAt(0)) + 1;
    visible.lastWindow = Math.min(scene.window, Math.ceil(camera.timeAt(camera.width)));
    visible.lowTick = camera.tickAt(camera.height);
    visible.highTick = camera.tickAt(0);
    this.#measureOptions(ring);
    const traded = this.#measureTrades(ring);
    this.#percentiles.low = lowOf(colours, shade);
    this.#percentiles.high = colours.highPercentile;
    const field = FIELDS.indexOf(shade.field);
    if (!measureCutOffs(ring, field, shade.baseline, visible, this.#percentiles, this.#cutOffs)) return traded;
    scene.rangeLow = this.#cutOffs.low;
    scene.rangeHigh = Math.max(scene.rangeLow + shade.leastRange, this.#cutOffs.high);
    this.legend.showRange(shade, colours, scene.rangeLow, scene.rangeHigh);
    return true;
  }

  /** From the quietest strike on, where none is ever empty, to the largest. */
  #measureOptions(ring: SessionRing): void {
    const { shade } = this.#scene;
    const values = ring.options[optionsFieldOf(shade)]!;
    const baseline = optionsBaseline(shade);
    let largest = 0;
    let smallest = Infinity;
    for (let index = Math.max(0, this.#visible.firstWindow); index <= this.#visible.lastWindow; index++) {
      const row = ring.row(index);
      if (!ring.has(index, HAS_OPTIONS) || Number.isNaN(ring.firstStrike[row]!)) continue;
      for (let strike = row * ring.strikes; strike < (row + 1) * ring.strikes; strike++) {
        const value = Math.abs(values[strike]! - baseline);
        largest = Math.max(largest, value);
        smallest = Math.min(smallest, value);
      }
    }
    this.#scene.optionsLow = shade.signed || largest === 0 ? 0 : smallest;
    this.#scene.optionsHigh = largest;
  }

  #measureTrades(ring: SessionRing): boolean {
    const traded = this.#traded;
    let count = 0;
    for (let index = Math.max(0, this.#visible.firstWindow); index <= this.#visible.lastWindow; index++) {
      if (!ring.has(index, HAS_SNAP)) continue;
      for (const side of [ring.buyQty, ring.sellQty]) {
        const quantity = side[ring.row(index)]!;
        if (quantity > 0 && count < traded.length) traded[count++] = quantity;
      }
    }
    const seen = traded.subarray(0, count).sort();
    if (count === 0) return false;
    this.#scene.usualTrade = seen[Math.floor(LARGE_TRADE * (count - 1))]!;
    return true;
  }
}
