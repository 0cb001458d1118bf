/** Buttons and selects of the bars. They only report; the page decides. */

import { SPEEDS } from "../store/speeds";
import type { Loop } from "../store/moments";
import { SHADES } from "../view/shades";
import type { MapName, SessionEntry } from "../wire/session";
import type { PlayerState } from "../store/player";
import { byId, fill } from "./dom";

export interface ControlEvents {
  onRestart: () => void;
  onTogglePlay: () => void;
  onStep: (windows: number) => void;
  onSpeed: (speed: number) => void;
  onFollow: () => void;
  onField: (field: string) => void;
  onMap: () => void;
  onLoop: () => void;
  onJump: (text: string) => void;
  onExport: () => void;
  onSession: (symbol: string, dt: string) => void;
}

const PRODUCTS: Readonly<Record<string, string>> = {
  future_mbo: "Futures",
  equity_mbo: "Equities",
};

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
  readonly #map = byId("map", HTMLButtonElement);
  readonly #speed = byId("speed", HTMLSelectElement);
  readonly #play = byId("play", HTMLButtonElement);
  readonly #follow = byId("follow", HTMLButtonElement);
  readonly #state = byId("state", HTMLElement);
  readonly #product = byId("product", HTMLSelectElement);
  readonly #loop = byId("loop", HTMLButtonElement);
  readonly #jump = byId("jump", HTMLInputElement);
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
      const dt = this.#date.value;
      const symbol = this.#symbol.value || this.#sessions.find((s) => s.dt === dt)?.symbol;
      if (symbol !== undefined) events.onSession(symbol, dt);
    });
    this.#product.addEventListener("change", () => {
      const first = this.#sessions.find((s) => s.productType === this.#product.value);
      if (first !== undefined) events.onSession(first.symbol, first.dt);
    });
    this.#map.addEventListener("click", events.onMap);
    this.#loop.addEventListener("click", events.onLoop);
    byId("export", HTMLButtonElement).addEventListener("click", events.onExport);
    byId("jump-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      events.onJump(this.#jump.value.trim());
      this.#jump.blur();
    });
    document.addEventListener("click", leaveClickedButton);
  }

  showSessions(sessions: readonly SessionEntry[]): void {
    this.#sessions = sessions;
    const products = [...new Set(sessions.map((session) => session.productType))].sort();
    fill(this.#product, products.map((name) => [name, PRODUCTS[name] ?? name]));
    this.#fillSymbols(sessions);
    fill(this.#date, [...new Set(sessions.map((s) => s.dt))].map((date) => [date, date]));
    // Nothing is chosen until a session is open: each choice is then a change.
    for (const list of [this.#product, this.#symbol, this.#date]) list.selectedIndex = -1;
  }

  focusJump(): void {
    this.#jump.focus();
    this.#jump.select();
  }

  /** Say what the loop's button does next, given what is set. */
  showLoop(loop: Loop | null): void {
    const text = loop === null ? "Loop" : loop.to === null ? "Loop to…" : "Looping";
    this.#loop.textContent = text;
    this.#loop.setAttribute("aria-pressed", String(loop !== null));
  }

  showSession(symbol: string, dt: string): void {
    const product = this.#sessions.find((s) => s.symbol === symbol)?.productType;
    this.#fillSymbols(this.#sessions.filter((s) => s.productType === product));
    if (product !== undefined) this.#product.value = product;
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

  /** `cell` is the height of the wide map's cells in words, null where the session has no such map. */
  showMap(map: MapName, cell: string | null): void {
    this.#map.hidden = cell === null;
    this.#map.setAttribute("aria-pressed", String(map === "wide"));
    this.#map.title = `Cells of ${cell ?? ""}, far around spot (M)`;
  }

  showFollow(follow: boolean): void {
    this.#follow.setAttribute("aria-pressed", String(follow));
  }

  showState(state: PlayerState, playing: boolean): void {
    this.#state.textContent = state.toUpperCase();
    this.#state.dataset["state"] = state;
    document.body.classList.toggle("playing", playing);
    this.#play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  #fillSymbols(sessions: readonly SessionEntry[]): void {
    fill(this.#symbol, [...new Set(sessions.map((s) => s.symbol))].sort().map((name) => [name, name]));
  }

  #datesOf(symbol: string): string[] {
    return this.#sessions.filter((s) => s.symbol === symbol).map((s) => s.dt);
  }
}

/** A button that was clicked gives the space bar back to play and pause; one reached by Tab keeps it. */
function leaveClickedButton(event: MouseEvent): void {
  if (event.detail === 0 || !(event.target instanceof Element)) return;
  event.target.closest("button")?.blur();
}
