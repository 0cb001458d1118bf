/** What became of a forecast: right, wrong, or not to be told; and how honest its confidence was. */

import { FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES } from "../wire/fields";
import { HAS_FORECAST, HAS_SNAP, type SessionRing } from "./ring";

export const HORIZONS_JUDGED = [1, 5, 10, 30] as const;

export type Outcome = "hit" | "miss" | "unmoved" | "unknown";

/**
 * The outcome of window `index`'s forecast `horizon` seconds ahead, told at window `now`: whether
 * the mid moved the way that was predicted. Nothing later than `now` is looked at.
 */
export function outcomeOf(ring: SessionRing, index: number, horizon: number, now: number): Outcome {
  const moved = moveAfter(ring, index, horizon, now);
  const predicted = Number.isNaN(moved) ? NaN : valueOf(ring, index, "predicted_delta", horizon);
  if (Number.isNaN(predicted) || predicted === 0) return "unknown";
  if (moved === 0) return "unmoved";
  return predicted > 0 === moved > 0 ? "hit" : "miss";
}

/** Counts and sums over the forecasts whose time is over. */
export interface Score {
  hits: number;
  misses: number;
  /** Forecasts with bands, and those whose band held the mid. */
  banded: number;
  inside50: number;
  inside90: number;
  /** Hits and misses with a confidence, and the sum of (confidence − [hit])². */
  weighed: number;
  brierSum: number;
}

export function emptyScore(): Score {
  return { hits: 0, misses: 0, banded: 0, inside50: 0, inside90: 0, weighed: 0, brierSum: 0 };
}

/** Set `out` to the score over windows [first, last] as it is known at `now`. */
export function scoreForecasts(
  ring: SessionRing,
  first: number,
  last: number,
  horizon: number,
  now: number,
  out: Score,
): void {
  Object.assign(out, emptyScore());
  for (let index = Math.max(0, first); index <= last; index++) {
    weighBands(ring, index, horizon, now, out);
    const outcome = outcomeOf(ring, index, horizon, now);
    if (outcome !== "hit" && outcome !== "miss") continue;
    if (outcome === "hit") out.hits += 1;
    else out.misses += 1;
    const confidence = valueOf(ring, index, "confidence", horizon);
    if (Number.isNaN(confidence)) continue;
    out.weighed += 1;
    out.brierSum += (confidence - (outcome === "hit" ? 1 : 0)) ** 2;
  }
}

function weighBands(
  ring: SessionRing,
  index: number,
  horizon: number,
  now: number,
  out: Score,
): void {
  const moved = moveAfter(ring, index, horizon, now);
  if (Number.isNaN(moved)) return;
  const low90 = valueOf(ring, index, "band_lo_90", horizon);
  const low50 = valueOf(ring, index, "band_lo_50", horizon);
  if (Number.isNaN(low90) || Number.isNaN(low50)) return;
  out.banded += 1;
  if (moved >= low90 && moved <= valueOf(ring, index, "band_hi_90", horizon)) out.inside90 += 1;
  if (moved >= low50 && moved <= valueOf(ring, index, "band_hi_50", horizon)) out.inside50 += 1;
}

/** Ticks by which the mid moved from window `index` on; NaN where that cannot be told at `now`. */
function moveAfter(ring: SessionRing, index: number, horizon: number, now: number): number {
  const later = index + horizon;
  if (horizon >= FORECAST_HORIZONS || later > now) return NaN;
  if (!ring.has(index, HAS_FORECAST | HAS_SNAP) || !ring.has(later, HAS_SNAP)) return NaN;
  return ring.mid[ring.row(later)]! - ring.mid[ring.row(index)]!;
}

function valueOf(
  ring: SessionRing,
  index: number,
  name: (typeof FORECAST_VALUES)[number],
  horizon: number,
): number {
  const at = ring.row(index) * FORECAST_STRIDE + FORECAST_VALUES.indexOf(name) * FORECAST_HORIZONS;
  return ring.forecast[at + horizon]!;
}
