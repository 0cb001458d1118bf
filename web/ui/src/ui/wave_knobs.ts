/** The twelve sliders with their numbers, units and resets. They only report; the page decides. */

import { PARAMETERS, type ParameterName, type Parameters, type Spec } from "../wave/parameters";
import { byId } from "./dom";

const GROUPS = [
  ["wave", "Wave"],
  ["medium", "Medium"],
  ["object", "Object"],
] as const;

interface Knob {
  readonly spec: Spec;
  readonly row: HTMLElement;
  readonly range: HTMLInputElement;
  readonly number: HTMLInputElement;
  readonly reset: HTMLButtonElement;
}

export class WaveKnobs {
  readonly #form = byId("knobs", HTMLFormElement);
  readonly #knobs: Knob[] = [];
  readonly #coupling = document.createElement("p");
  readonly #report: (name: ParameterName, value: number) => void;

  constructor(report: (name: ParameterName, value: number) => void) {
    this.#report = report;
    this.#coupling.className = "coupling";
    this.#coupling.setAttribute("role", "status");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
    });
    for (const [group, label] of GROUPS) {
      const fieldset = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = label;
      fieldset.append(legend);
      for (const spec of PARAMETERS) {
        if (spec.group === group) fieldset.append(this.#make(spec));
      }
      if (group === "wave") fieldset.append(this.#coupling);
      this.#form.append(fieldset);
    }
  }

  show(values: Parameters, updated: readonly ParameterName[]): void {
    for (const { spec, row, range, number, reset } of this.#knobs) {
      const value = values[spec.name];
      const text = figure(value);
      range.value = String(value);
      range.setAttribute("aria-valuetext", `${text} ${spec.unit}`.trim());
      if (document.activeElement !== number || updated.includes(spec.name)) number.value = text;
      reset.disabled = value === spec.initial;
      row.classList.toggle("updated", updated.includes(spec.name));
    }
  }

  /** Say which value followed which. */
  explain(values: Parameters, changed: ParameterName | null, updated: readonly ParameterName[]): void {
    const law = `${figure(values.speed)} units/s = ${figure(values.wavelength)} units × ${figure(values.frequency)} Hz`;
    if (changed === null || updated.length === 0) {
      this.#coupling.textContent = `Speed = wavelength × frequency: ${law}.`;
      return;
    }
    const names = updated.map((name) => labelOf(name).toLowerCase()).join(" and ");
    const strong = document.createElement("b");
    strong.textContent = `${names} updated`;
    this.#coupling.replaceChildren(`${labelOf(changed)} changed, `, strong, `: ${law}.`);
  }

  #make(spec: Spec): HTMLElement {
    const row = document.createElement("div");
    row.className = "knob";
    const label = document.createElement("label");
    label.htmlFor = `knob-${spec.name}`;
    const unit = document.createElement("small");
    unit.textContent = spec.unit === "" ? "of the source" : spec.unit;
    label.append(spec.label, unit);
    const range = document.createElement("input");
    range.type = "range";
    range.id = `knob-${spec.name}`;
    const number = document.createElement("input");
    number.type = "number";
    number.setAttribute("aria-label", `${spec.label} in numbers`);
    for (const input of [range, number]) {
      input.min = String(spec.least);
      input.max = String(spec.most);
      input.step = "any";
    }
    range.addEventListener("input", () => {
      this.#report(spec.name, rounded(Number(range.value), spec));
    });
    number.addEventListener("change", () => {
      this.#report(spec.name, number.value === "" ? spec.initial : Number(number.value));
    });
    const reset = document.createElement("button");
    reset.type = "button";
    reset.textContent = "↺";
    reset.title = `Back to ${spec.initial}`;
    reset.setAttribute("aria-label", `Reset ${spec.label.toLowerCase()}`);
    reset.addEventListener("click", () => {
      this.#report(spec.name, spec.initial);
    });
    row.append(label, range, number, reset);
    this.#knobs.push({ spec, row, range, number, reset });
    return row;
  }
}

export function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A slider's value to a hundredth of its range's power of ten: 7.4, not 7.3871. */
function rounded(value: number, spec: Spec): number {
  const digits = spec.most - spec.least > 10 ? 1 : 2;
  return Number(value.toFixed(digits));
}

function labelOf(name: ParameterName): string {
  return PARAMETERS.find((spec) => spec.name === name)!.label;
}
