/** What the forecast says now, and how well it did over the last minutes. */

import type { Score } from "../store/outcome";
import { HAS_FORECAST, type SessionRing } from "../store/ring";
import { formatTicks } from "../view/scales";
import { DIAGNOSTICS, FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES } from "../wire/fields";
import type { SessionInfo } from "../wire/session";
import { asTick } from "../wire/units";
import { TextOut, byId } from "./dom";
import { NONE, share, signed } from "./figures";

const MOVES = [1, 5, 10, 30] as const;
/** What a day was to the fit, in words: a training day flatters the forecast. */
const ROLES: Readonly<Record<string, string>> = { train: "training day", held_out: "held-out day" };
/** RunScore that fills half its bar; quiet and busy markets differ by a factor of a hundred. */
const HALF_RUN_SCORE = 0.05;

export class ForecastPanel {
  readonly #calibration = new TextOut("out-calibration");
  readonly #calibrationTag = byId("out-calibration", HTMLElement);
  readonly #verdict = new TextOut("out-verdict");
  readonly #runUp = new TextOut("out-run-up");
  readonly #runDown = new TextOut("out-run-down");
  readonly #barUp = byId("bar-up", HTMLMeterElement);
  readonly #barDown = byId("bar-down", HTMLMeterElement);
  readonly #wallUp = new TextOut("out-wall-up");
  readonly #wallDown = new TextOut("out-wall-down");
  readonly #confidence = new TextOut("out-confidence");
  readonly #moves = MOVES.map((horizon) => new TextOut(`out-move-${horizon}`));
  readonly #judged = new TextOut("out-judged");
  readonly #hits = new TextOut("out-hits");
  readonly #inside50 = new TextOut("out-inside-50");
  readonly #inside90 = new TextOut("out-inside-90");
  readonly #brier = new TextOut("out-brier");

  showSession(session: SessionInfo, verdict: string | null): void {
    const { calibrated, uncalibratedBecause, role } = session;
    if (!session.surfaces.includes("forecast")) {
      this.#calibration.set("none yet");
      this.#calibrationTag.classList.remove("fitted");
      this.#verdict.set("No forecast of this session is published yet.");
      return;
    }
    const day = role === null ? undefined : ROLES[role];
    this.#calibration.set([calibrated ? "calibrated" : "uncalibrated", day].filter(Boolean).join(" · "));
    this.#calibrationTag.classList.toggle("fitted", calibrated);
    const because = uncalibratedBecause === null ? "" : `Uncalibrated: ${uncalibratedBecause}. `;
    this.#verdict.set(`${because}${verdict ?? "Not evaluated on held-out days yet."}`);
  }

  showWindow(ring: SessionRing, index: number, session: SessionInfo): void {
    const row = ring.row(index);
    const has = ring.has(index, HAS_FORECAST);
    const diagnostic = (name: (typeof DIAGNOSTICS)[number]): number =>
      has ? ring.diagnostics[row * DIAGNOSTICS.length + DIAGNOSTICS.indexOf(name)]! : NaN;
    const value = (name: (typeof FORECAST_VALUES)[number], horizon: number): number => {
      const at = row * FORECAST_STRIDE + FORECAST_VALUES.indexOf(name) * FORECAST_HORIZONS + horizon;
      return has ? ring.forecast[at]! : NaN;
    };
    const up = diagnostic("RunScore_up");
    const down = diagnostic("RunScore_down");
    this.#runUp.set(signed(up, 3));
    this.#runDown.set(signed(down, 3));
    this.#barUp.value = barValue(up);
    this.#barDown.value = barValue(down);
    this.#wallUp.set(wall(session, ring.ask[row]!, diagnostic("D_up"), 1));
    this.#wallDown.set(wall(session, ring.bid[row]!, diagnostic("D_down"), -1));
    const confidence = value("confidence", FORECAST_HORIZONS - 1);
    const known = has ? "uncalibrated" : NONE;
    this.#confidence.set(Number.isNaN(confidence) ? known : share(confidence, 1));
    MOVES.forEach((horizon, m) => {
      this.#moves[m]!.set(signed(value("predicted_delta", horizon), 2));
    });
  }

  /** `windows` is how far back the forecasts were judged. */
  showScore(horizon: number, windows: number, score: Score): void {
    this.#judged.set(`+${horizon} s, last ${Math.round(windows / 60)} min`);
    const judged = score.hits + score.misses;
    this.#hits.set(judged === 0 ? NONE : `${share(score.hits, judged)} of ${judged}`);
    this.#inside50.set(score.banded === 0 ? NONE : `${share(score.inside50, score.banded)} of ${score.banded}`);
    this.#inside90.set(share(score.inside90, score.banded));
    const brier = score.brierSum / score.weighed;
    this.#brier.set(score.weighed === 0 ? NONE : brier.toFixed(3));
  }
}

function barValue(score: number): number {
  return score > 0 ? score / (score + HALF_RUN_SCORE) : 0;
}

/** The distance of a wall in the ticks of the forecast, and its price when the touch is known. */
function wall(session: SessionInfo, touch: number, distance: number, direction: 1 | -1): string {
  if (Number.isNaN(distance)) return NONE;
  if (Number.isNaN(touch)) return String(distance);
  const { tickInt, decimals } = session;
  return `${distance} · ${formatTicks(asTick(touch + direction * distance), tickInt, decimals)}`;
}
