/** Faults and empty states, in plain sight. */

import { byId } from "./dom";

export class Notices {
  readonly #fault = byId("fault", HTMLElement);
  readonly #text = byId("fault-text", HTMLElement);
  /** Only a page that can be without a picture has it. */
  readonly #empty = document.getElementById("empty");

  constructor() {
    byId("fault-close", HTMLButtonElement).addEventListener("click", () => {
      this.fault(null);
    });
  }

  /** Show a fault until it is dismissed or taken back with null. */
  fault(message: string | null): void {
    this.#fault.hidden = message === null;
    if (message !== null) this.#text.textContent = message;
  }

  /** Hide a fault that is over, if it is the one that is shown. */
  takeBack(message: string): void {
    if (this.#text.textContent === message) this.#fault.hidden = true;
  }

  /** Say why there is no picture; null when there is one. */
  empty(message: string | null): void {
    if (this.#empty === null) return;
    this.#empty.hidden = message === null;
    if (message !== null) this.#empty.textContent = message;
  }
}
