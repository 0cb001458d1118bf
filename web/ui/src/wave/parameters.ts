/** The twelve parameters of the particle wave: ranges, units, and the law that couples three. */

export const PARAMETERS = [
  { name: "wavelength", label: "Wavelength", unit: "units", least: 2, most: 30, initial: 10, group: "wave" },
  { name: "frequency", label: "Frequency", unit: "Hz", least: 0.1, most: 5, initial: 1, group: "wave" },
  { name: "speed", label: "Speed", unit: "units/s", least: 1, most: 50, initial: 10, group: "wave" },
  { name: "amplitude", label: "Amplitude", unit: "", least: 0.1, most: 3, initial: 1, group: "wave" },
  { name: "viscosity", label: "Viscosity", unit: "loss per radian", least: 0, most: 1, initial: 0, group: "medium" },
  { name: "decay", label: "Decay", unit: "1/s", least: 0, most: 0.5, initial: 0, group: "medium" },
  { name: "permeability", label: "Permeability", unit: "× free", least: 0.1, most: 5, initial: 1, group: "medium" },
  { name: "density", label: "Object density", unit: "× free", least: 0, most: 2, initial: 0.5, group: "medium" },
  { name: "x", label: "Object x", unit: "units", least: 0, most: 20, initial: 10, group: "object" },
  { name: "y", label: "Object y", unit: "units", least: 0, most: 10, initial: 5, group: "object" },
  { name: "width", label: "Width", unit: "units", least: 0.5, most: 5, initial: 2, group: "object" },
  { name: "height", label: "Height", unit: "units", least: 0.5, most: 8, initial: 3, group: "object" },
] as const;

export type ParameterName = (typeof PARAMETERS)[number]["name"];
export type Parameters = Readonly<Record<ParameterName, number>>;
export type Spec = (typeof PARAMETERS)[number];

export const SHAPES = ["ellipse", "box"] as const;
export type Shape = (typeof SHAPES)[number];

export const INITIAL: Parameters = Object.fromEntries(
  PARAMETERS.map(({ name, initial }) => [name, initial]),
) as Record<ParameterName, number>;

export function specOf(name: ParameterName): Spec {
  return PARAMETERS.find((spec) => spec.name === name)!;
}

/** The nearest value that the parameter may take; its initial one for what is no number. */
export function clampParameter(name: ParameterName, value: number): number {
  const { least, most, initial } = specOf(name);
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : initial;
}

export interface Change {
  readonly values: Parameters;
  /** Parameters that had to follow, in the order in which they were updated. */
  readonly updated: readonly ParameterName[];
}

/**
 * Set one parameter and keep speed = wavelength × frequency.
 *
 * A new wavelength updates the frequency, a new frequency or speed the wavelength. Where that
 * would leave its range it stops at the end, and the third of the three follows; for every value
 * in range the third then lies in range too.
 */
export function changeParameter(values: Parameters, name: ParameterName, wanted: number): Change {
  const value = clampParameter(name, wanted);
  const next: Record<ParameterName, number> = { ...values, [name]: value };
  const updated: ParameterName[] = [];
  const update = (which: ParameterName, to: number): void => {
    const reached = clampParameter(which, to);
    if (reached !== next[which]) updated.push(which);
    next[which] = reached;
  };
  if (name === "wavelength") {
    update("frequency", next.speed / value);
    update("speed", value * next.frequency);
  } else if (name === "frequency") {
    update("wavelength", next.speed / value);
    update("speed", next.wavelength * value);
  } else if (name === "speed") {
    update("wavelength", value / next.frequency);
    update("frequency", value / next.wavelength);
  }
  // Rounding alone is no update: 3 × (10 / 3) is 10 to the reader.
  const told = updated.filter((which) => Math.abs(next[which] - values[which]) > 1e-9 * next[which]);
  for (const which of updated) if (!told.includes(which)) next[which] = values[which];
  return { values: next, updated: told };
}
