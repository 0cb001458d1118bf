/** Cut-offs of the colours: percentiles of what is on the screen. No allocation per call. */

import { HAS_VELOCITY, type SessionRing } from "../store/ring";

const BINS = 512;
const SMALLEST = 1e-5;
const LARGEST = 1e4;
const LOG_SPAN = Math.log(LARGEST / SMALLEST);
/** Every third window is plenty for a percentile. */
const WINDOW_STRIDE = 3;

/** The part of the ring that is on the screen: windows and ticks, both ends included. */
export interface VisibleRange {
  firstWindow: number;
  lastWindow: number;
  lowTick: number;
  highTick: number;
}

export interface CutOffs {
  low: number;
  high: number;
}

const histogram = new Uint32Array(BINS);

/**
 * Set `out` to two percentiles of |value - baseline| over occupied cells; false when there are
 * none. The 0th is 0: colour begins with the first sign of anything.
 */
export function measureCutOffs(
  ring: SessionRing,
  field: number,
  baseline: number,
  visible: VisibleRange,
  percentiles: CutOffs,
  out: CutOffs,
): boolean {
  histogram.fill(0);
  let total = 0;
  const first = Math.max(0, visible.firstWindow);
  for (let index = first; index <= visible.lastWindow; index += WINDOW_STRIDE) {
    if (ring.has(index, HAS_VELOCITY)) total += countRow(ring, field, baseline, visible, index);
  }
  if (total === 0) return false;
  out.low = percentiles.low > 0 ? percentile((percentiles.low / 100) * total, 0) : 0;
  out.high = percentile((percentiles.high / 100) * total, 1);
  return true;
}

function countRow(
  ring: SessionRing,
  field: number,
  baseline: number,
  visible: VisibleRange,
  index: number,
): number {
  const values = ring.fields[field]!;
  const row = ring.row(index);
  const { grid, cellTicks } = ring;
  const bottom = ring.center[row]! - ((grid - 1) / 2) * cellTicks;
  const from = Math.max(0, Math.ceil((visible.lowTick - bottom) / cellTicks));
  const to = Math.min(grid - 1, Math.floor((visible.highTick - bottom) / cellTicks));
  const start = row * grid * 2;
  let counted = 0;
  for (let i = start + from * 2; i < start + (to + 1) * 2; i++) {
    const magnitude = Math.abs(values[i]! - baseline);
    if (!(magnitude > SMALLEST)) continue;
    const bin = Math.min(BINS - 1, Math.floor((Math.log(magnitude / SMALLEST) / LOG_SPAN) * BINS));
    histogram[bin] = histogram[bin]! + 1;
    counted += 1;
  }
  return counted;
}

/** Value below which `count` cells lie, at the lower (0) or upper (1) edge of its bin. */
function percentile(count: number, edge: 0 | 1): number {
  let below = 0;
  let bin = 0;
  for (; bin < BINS - 1; bin++) {
    below += histogram[bin]!;
    if (below >= count) break;
  }
  return SMALLEST * Math.exp(((bin + edge) / BINS) * LOG_SPAN);
}
