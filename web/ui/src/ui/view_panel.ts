/** The panel of layers and colours. It only reports; the page decides. */

import { HORIZONS_JUDGED } from "../store/outcome";
import {
  type Colours,
  HIGHEST_LOW,
  LOWEST_HIGH,
  PALETTE_CHOICES,
  lowOf,
} from "../view/colours";
import { LAYERS, LEAST_OPACITY, type LayerName, type Layers, clampOpacity } from "../view/layers";
import type { Shade } from "../view/shades";
import { TextOut, byId, fill } from "./dom";

export interface ViewEvents {
  onLayer: (layer: LayerName) => void;
  onOpacity: (layer: LayerName, opacity: number) => void;
  onColours: (colours: Colours) => void;
  onHorizon: (seconds: number) => void;
}

interface LayerRow {
  readonly button: HTMLButtonElement;
  readonly opacity: HTMLInputElement;
}

export class ViewPanel {
  readonly #events: ViewEvents;
  readonly #panel = byId("view-panel", HTMLElement);
  readonly #open = byId("view-open", HTMLButtonElement);
  readonly #rows = new Map<LayerName, LayerRow>();
  readonly #palette = byId("palette", HTMLSelectElement);
  readonly #scale = byId("colour-scale", HTMLSelectElement);
  readonly #low = byId("cut-low", HTMLInputElement);
  readonly #high = byId("cut-high", HTMLInputElement);
  readonly #lowText = new TextOut("cut-low-text");
  readonly #highText = new TextOut("cut-high-text");
  readonly #horizon = byId("past-horizon", HTMLSelectElement);

  constructor(events: ViewEvents) {
    this.#events = events;
    this.#makeRows();
    fill(this.#palette, PALETTE_CHOICES.map(({ name, label }) => [name, label]));
    fill(this.#horizon, HORIZONS_JUDGED.map((seconds) => [String(seconds), `+${seconds} s`]));
    this.#low.max = String(HIGHEST_LOW);
    this.#high.min = String(LOWEST_HIGH);
    this.#open.addEventListener("click", () => {
      this.toggle();
    });
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggle(false);
    });
    this.#horizon.addEventListener("change", () => {
      events.onHorizon(Number(this.#horizon.value));
    });
  }

  /** Show or hide the panel. */
  toggle(shown = this.#panel.hidden): void {
    this.#panel.hidden = !shown;
    this.#open.setAttribute("aria-expanded", String(shown));
    if (!shown) this.#open.focus();
  }

  showLayers(layers: Layers, missing: ReadonlySet<LayerName>): void {
    for (const [name, { button, opacity }] of this.#rows) {
      button.setAttribute("aria-pressed", String(layers[name].shown));
      button.classList.toggle("missing", missing.has(name));
      opacity.value = String(Math.round(100 * layers[name].opacity));
      opacity.disabled = !layers[name].shown;
    }
  }

  showHorizon(seconds: number): void {
    this.#horizon.value = String(seconds);
  }

  showColours(colours: Colours, shade: Shade): void {
    this.#palette.value = colours.palette;
    this.#scale.value = colours.logarithmic ? "log" : "linear";
    const low = lowOf(colours, shade);
    this.#low.value = String(low);
    this.#high.value = String(colours.highPercentile);
    this.#lowText.set(`${low} %`);
    this.#highText.set(`${colours.highPercentile} %`);
    const report = (change: Partial<Colours>): void => {
      this.#events.onColours({ ...colours, ...change });
    };
    this.#palette.onchange = () => {
      const palette = PALETTE_CHOICES.find(({ name }) => name === this.#palette.value)?.name;
      report({ palette: palette ?? "native" });
    };
    this.#scale.onchange = () => {
      report({ logarithmic: this.#scale.value === "log" });
    };
    this.#low.oninput = () => {
      const lowPercentile = Math.min(Number(this.#low.value), colours.highPercentile - 1);
      report({ lowPercentile });
    };
    this.#high.oninput = () => {
      report({ highPercentile: Math.max(Number(this.#high.value), low + 1) });
    };
  }

  #makeRows(): void {
    const group = byId("layers", HTMLElement);
    LAYERS.forEach(({ name, label }, i) => {
      const row = document.createElement("div");
      row.className = "layer";
      const button = document.createElement("button");
      button.type = "button";
      button.title = `Show or hide (${i + 1})`;
      const key = document.createElement("kbd");
      key.textContent = String(i + 1);
      key.setAttribute("aria-hidden", "true");
      button.append(key, label);
      button.addEventListener("click", () => {
        this.#events.onLayer(name);
      });
      const opacity = document.createElement("input");
      opacity.type = "range";
      opacity.min = String(100 * LEAST_OPACITY);
      opacity.max = "100";
      opacity.setAttribute("aria-label", `Opacity of ${label.toLowerCase()}`);
      opacity.addEventListener("input", () => {
        this.#events.onOpacity(name, clampOpacity(Number(opacity.value) / 100));
      });
      row.append(button, opacity);
      group.append(row);
      this.#rows.set(name, { button, opacity });
    });
  }
}
