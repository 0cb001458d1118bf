/** Buttons and selects of the bars. They only report; the page decides. */

import { SPEEDS } from "../store/speeds";
import { LAYERS, type LayerName, type Layers } from "../view/layers";
import { SHADES } from "../view/shades";
import type { SessionEntry } from "../wire/session";
import type { PlayerState } from "../store/player";
import { byId } from "./dom";

export interface ControlEvents {
  onRestart: () => void;
  onTogglePlay: () => void;
  onStep: (windows: number) => void;
  onSpeed: (speed: number) => void;
  onFollow: () => void;
  onField: (field: string) => void;
  onLayer: (layer: LayerName) => void;
  onSession: (symbol: string, dt: string) => void;
}

const STEPS = [
  ["back-10", -10],
  ["back-1", -1],
  ["forward-1", 1],
  ["forward-10", 10],
] as const;

export class Controls {
  readonly #symbol = byId("symbol", HTMLSelectElement);
  readonly #date = byId("date", HTMLSelectElement);
  readonly #field = byId("field", HTMLSelectElement);
  readonly #speed = byId("speed", HTMLSelectElement);
  readonly #play = byId("play", HTMLButtonElement);
  readonly #follow = byId("follow", HTMLButtonElement);
  readonly #state = byId("state", HTMLElement);
  readonly #layers = new Map<LayerName, HTMLButtonElement>();
  #sessions: readonly SessionEntry[] = [];

  constructor(events: ControlEvents) {
    byId("restart", HTMLButtonElement).addEventListener("click", events.onRestart);
    this.#play.addEventListener("click", events.onTogglePlay);
    this.#follow.addEventListener("click", events.onFollow);
    for (const [id, windows] of STEPS) {
      byId(id, HTMLButtonElement).addEventListener("click", () => {
        events.onStep(windows);
      });
    }
    fill(this.#speed, SPEEDS.map((speed) => [String(speed), `${speed}×`]));
    this.#speed.addEventListener("change", () => {
      events.onSpeed(Number(this.#speed.value));
    });
    fill(this.#field, SHADES.map((shade) => [shade.field, shade.label]));
    this.#field.addEventListener("change", () => {
      events.onField(this.#field.value);
    });
    this.#symbol.addEventListener("change", () => {
      const dates = this.#datesOf(this.#symbol.value);
      const dt = dates.includes(this.#date.value) ? this.#date.value : dates[0];
      if (dt !== undefined) events.onSession(this.#symbol.value, dt);
    });
    this.#date.addEventListener("change", () => {
      events.onSession(this.#symbol.value, this.#date.value);
    });
    this.#makeLayers(events.onLayer);
    document.addEventListener("click", leaveClickedButton);
  }

  showSessions(sessions: readonly SessionEntry[]): void {
    this.#sessions = sessions;
    const symbols = [...new Set(sessions.map((session) => session.symbol))].sort();
    fill(this.#symbol, symbols.map((symbol) => [symbol, symbol]));
  }

  showSession(symbol: string, dt: string): void {
    this.#symbol.value = symbol;
    fill(this.#date, this.#datesOf(symbol).map((date) => [date, date]));
    this.#date.value = dt;
  }

  showSpeed(speed: number): void {
    this.#speed.value = String(speed);
  }

  showField(field: string): void {
    this.#field.value = field;
  }

  showFollow(follow: boolean): void {
    this.#follow.setAttribute("aria-pressed", String(follow));
  }

  showLayers(layers: Layers): void {
    for (const [name, button] of this.#layers) {
      button.setAttribute("aria-pressed", String(layers[name]));
    }
  }

  showState(state: PlayerState, playing: boolean): void {
    this.#state.textContent = state.toUpperCase();
    this.#state.dataset["state"] = state;
    document.body.classList.toggle("playing", playing);
    this.#play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  #datesOf(symbol: string): string[] {
    return this.#sessions.filter((s) => s.symbol === symbol).map((s) => s.dt);
  }

  #makeLayers(onLayer: (layer: LayerName) => void): void {
    const group = byId("layers", HTMLElement);
    LAYERS.forEach(({ name, label }, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.title = `Show or hide (${i + 1})`;
      button.addEventListener("click", () => {
        onLayer(name);
      });
      this.#layers.set(name, button);
      group.append(button);
    });
  }
}

/** A button that was clicked gives the space bar back to play and pause; one reached by Tab keeps it. */
function leaveClickedButton(event: MouseEvent): void {
  if (event.detail === 0 || !(event.target instanceof Element)) return;
  event.target.closest("button")?.blur();
}

function fill(select: HTMLSelectElement, options: readonly (readonly [string, string])[]): void {
  select.replaceChildren(
    ...options.map(([value, label]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = label;
      return option;
    }),
  );
}
