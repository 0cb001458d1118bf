/** What became of a forecast: right, wrong, or not to be told. */

import { FORECAST_HORIZONS, FORECAST_STRIDE } from "../wire/fields";
import { HAS_FORECAST, HAS_SNAP, type SessionRing } from "./ring";

export const HORIZONS_JUDGED = [1, 5, 10, 30] as const;

export type Outcome = "hit" | "miss" | "unmoved" | "unknown";

/**
 * The outcome of window `index`'s forecast `horizon` seconds ahead, told at window `now`: whether
 * the mid moved the way that was predicted. Nothing later than `now` is looked at.
 */
export function outcomeOf(ring: SessionRing, index: number, horizon: number, now: number): Outcome {
  const later = index + horizon;
  if (horizon >= FORECAST_HORIZONS || later > now) return "unknown";
  if (!ring.has(index, HAS_FORECAST | HAS_SNAP) || !ring.has(later, HAS_SNAP)) return "unknown";
  const predicted = ring.forecast[ring.row(index) * FORECAST_STRIDE + horizon]!;
  const moved = ring.mid[ring.row(later)]! - ring.mid[ring.row(index)]!;
  if (Number.isNaN(predicted) || Number.isNaN(moved) || predicted === 0) return "unknown";
  if (moved === 0) return "unmoved";
  return predicted > 0 === moved > 0 ? "hit" : "miss";
}

/** Hits and misses over windows [first, last] as they are known at `now`. */
export function tally(
  ring: SessionRing,
  first: number,
  last: number,
  horizon: number,
  now: number,
): { hits: number; misses: number } {
  let hits = 0;
  let misses = 0;
  for (let index = Math.max(0, first); index <= last; index++) {
    const outcome = outcomeOf(ring, index, horizon, now);
    if (outcome === "hit") hits += 1;
    else if (outcome === "miss") misses += 1;
  }
  return { hits, misses };
}
