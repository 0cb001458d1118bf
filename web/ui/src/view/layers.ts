/** Layers that can be switched, in drawing order; their number is their key. */

export const LAYERS = [
  { name: "velocity", label: "Surface" },
  { name: "quotes", label: "Best bid/ask" },
  { name: "trades", label: "Trades" },
  { name: "spot", label: "Spot" },
  { name: "forecast", label: "Forecast" },
] as const;

export type LayerName = (typeof LAYERS)[number]["name"];
export type Layers = Record<LayerName, boolean>;

export function allLayers(): Layers {
  return { velocity: true, quotes: true, trades: true, spot: true, forecast: true };
}
