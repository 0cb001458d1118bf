/** Layers of a velocity tile, in the order in which they are kept. */

export const FIELDS = [
  "liquidity_velocity",
  "rho",
  "nu",
  "kappa",
  "pressure_grad",
  "u_wave_energy",
  "Omega",
] as const;

export type FieldName = (typeof FIELDS)[number];

/** Layers of an options tile, sums over right and side of each strike, in the order kept. */
export const OPTION_FIELDS = [
  "liquidity_velocity",
  "pressure_grad",
  "u_wave_energy",
  "nu",
  "Omega",
] as const;

export const FORECAST_HORIZONS = 31;

/** Values kept per horizon of a forecast, in this order. */
export const FORECAST_VALUES = [
  "predicted_delta",
  "confidence",
  "band_lo_50",
  "band_hi_50",
  "band_lo_90",
  "band_hi_90",
] as const;

/** Diagnostics of a forecast, in the order in which they are kept. */
export const DIAGNOSTICS = ["RunScore_up", "RunScore_down", "D_up", "D_down"] as const;

export const FORECAST_STRIDE = FORECAST_HORIZONS * FORECAST_VALUES.length;
