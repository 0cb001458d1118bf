/** Steps and labels of the two axes. Pure arithmetic over integers, so that no label drifts. */

import { type Price, type Tick, asTick } from "../wire/units";

const MANTISSAS = [1, 2.5, 5];
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const DOLLAR_INT = 1e9;

/**
 * Ticks between two price labels: the smallest step of 1, 2.5 or 5 × 10^k dollars that is a whole
 * number of ticks and at least `minPx` apart.
 */
export function priceStepTicks(tickInt: number, pxPerTick: number, minPx: number): number {
  for (let exponent = -9; exponent <= 9; exponent++) {
    for (const mantissa of MANTISSAS) {
      const stepInt = Math.round(mantissa * 10 ** exponent * DOLLAR_INT);
      if (stepInt < tickInt || stepInt % tickInt !== 0) continue;
      const ticks = stepInt / tickInt;
      if (ticks * pxPerTick >= minPx) return ticks;
    }
  }
  return Math.ceil(minPx / pxPerTick);
}

/** Seconds between two time labels at least `minPx` apart. */
export function timeStepSeconds(pxPerSecond: number, minPx: number): number {
  for (const step of TIME_STEPS_S) if (step * pxPerSecond >= minPx) return step;
  return TIME_STEPS_S[TIME_STEPS_S.length - 1]!;
}

/** First multiple of `step` that is not below `value`. */
export function firstMultiple(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Dollars with the given decimals, from ticks, by integer arithmetic; half ticks get more. */
export function formatTicks(tick: Tick, tickInt: number, decimals: number): string {
  const scaled = Math.round(tick * tickInt);
  const unit = 10 ** (9 - decimals);
  const digits = scaled % unit === 0 ? decimals : decimals + 1;
  const [whole = "", fraction] = (scaled / DOLLAR_INT).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** The tick, in fractions too, of a price. */
export function tickOf(price: Price, tickInt: number): Tick {
  return asTick((price * DOLLAR_INT) / tickInt);
}

/** Wall clock of one time zone for nanoseconds UTC; remembers its answers. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;
  readonly #known = new Map<number, string>();

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
  }

  /** HH:MM:SS at an epoch second. */
  label(epochSecond: number): string {
    let label = this.#known.get(epochSecond);
    if (label === undefined) {
      label = this.#format.format(epochSecond * 1000);
      this.#known.set(epochSecond, label);
    }
    return label;
  }
}
