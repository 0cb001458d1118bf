/** Layers that can be switched, each with its opacity; their number is their key. */

export const LAYERS = [
  { name: "velocity", label: "Surface" },
  { name: "options", label: "Options" },
  { name: "spot", label: "Spot" },
  { name: "quotes", label: "Best bid/ask" },
  { name: "trades", label: "Trades" },
  { name: "forecast", label: "Forecast" },
  { name: "past", label: "Past forecasts" },
  { name: "quality", label: "Quality" },
  { name: "depth", label: "Depth columns" },
] as const;

export type LayerName = (typeof LAYERS)[number]["name"];

export interface LayerState {
  shown: boolean;
  /** Share, 0.1 to 1. */
  opacity: number;
}

export type Layers = Record<LayerName, LayerState>;

export const LEAST_OPACITY = 0.1;

/**
 * Everything but the past forecasts, which cover what they are compared with; through the options
 * the surface is seen.
 */
export function firstLayers(): Layers {
  return Object.fromEntries(
    LAYERS.map(({ name }) => [name, { shown: name !== "past", opacity: name === "options" ? 0.7 : 1 }]),
  ) as Layers;
}

/** Keys of the layers that are shown, as in "12368"; null for the first choice. */
export function formatShown(layers: Layers): string | null {
  const keys = (of: Layers): string =>
    LAYERS.map(({ name }, i) => (of[name].shown ? String(i + 1) : "")).join("");
  return keys(layers) === keys(firstLayers()) ? null : keys(layers);
}

/** Opacities other than the first ones, as in "1:60,6:30"; null for none. */
export function formatOpacities(layers: Layers): string | null {
  const first = firstLayers();
  const parts = LAYERS.flatMap(({ name }, i) => {
    const { opacity } = layers[name];
    return opacity === first[name].opacity ? [] : [`${i + 1}:${Math.round(100 * opacity)}`];
  });
  return parts.length === 0 ? null : parts.join(",");
}

/** The layers that an address speaks of; what is not well formed is as at first. */
export function parseLayers(shown: string | null, opacities: string | null): Layers {
  const layers = firstLayers();
  if (shown !== null && /^[1-9]*$/.test(shown)) {
    LAYERS.forEach(({ name }, i) => {
      layers[name].shown = shown.includes(String(i + 1));
    });
  }
  for (const [, key, percent] of (opacities ?? "").matchAll(/([1-9]):(\d{1,3})/g)) {
    const layer = LAYERS[Number(key) - 1];
    if (layer !== undefined) layers[layer.name].opacity = clampOpacity(Number(percent) / 100);
  }
  return layers;
}

export function clampOpacity(share: number): number {
  return Number.isFinite(share) ? Math.min(1, Math.max(LEAST_OPACITY, share)) : 1;
}
