/** The figures beside the plot: price, time, window, forecast diagnostics, health. */

import { HAS_FORECAST, type SessionRing } from "../store/ring";
import type { Player } from "../store/player";
import { type WallClock, formatTicks } from "../view/scales";
import { DIAGNOSTICS, FORECAST_HORIZONS, FORECAST_STRIDE, FORECAST_VALUES } from "../wire/fields";
import { type SessionInfo, epochSecond } from "../wire/session";
import { asTick } from "../wire/units";
import { TextOut, byId } from "./dom";

const NONE = "–";
const MOVES = [1, 5, 10, 30] as const;
/** RunScore that fills half its bar; quiet and busy markets differ by a factor of a hundred. */
const HALF_RUN_SCORE = 0.05;

export class Readouts {
  readonly #contract = new TextOut("out-contract");
  readonly #name = new TextOut("out-name");
  readonly #spot = new TextOut("out-spot");
  readonly #tick = new TextOut("out-tick");
  readonly #time = new TextOut("out-time");
  readonly #zone = new TextOut("out-zone");
  readonly #window = new TextOut("out-window");
  readonly #speed = new TextOut("out-speed");
  readonly #calibration = new TextOut("out-calibration");
  readonly #calibrationTag = byId("out-calibration", HTMLElement);
  readonly #runUp = new TextOut("out-run-up");
  readonly #runDown = new TextOut("out-run-down");
  readonly #barUp = byId("bar-up", HTMLMeterElement);
  readonly #barDown = byId("bar-down", HTMLMeterElement);
  readonly #wallUp = new TextOut("out-wall-up");
  readonly #wallDown = new TextOut("out-wall-down");
  readonly #confidence = new TextOut("out-confidence");
  readonly #moves = MOVES.map((horizon) => new TextOut(`out-move-${horizon}`));
  readonly #hits = new TextOut("out-hits");
  readonly #hitsLabel = new TextOut("out-hits-label");
  readonly #health = new TextOut("health");

  showSession(session: SessionInfo): void {
    this.#contract.set(`${session.symbol} · ${session.dt}`);
    this.#name.set(session.name);
    this.#calibration.set(session.calibrated ? "calibrated" : "uncalibrated");
    this.#calibrationTag.classList.toggle("fitted", session.calibrated);
    this.#zone.set(zoneName(session));
  }

  showWindow(player: Player, session: SessionInfo, wall: WallClock): void {
    const ring = player.ring;
    const index = player.clock.window;
    if (ring === null || Number.isNaN(index) || !ring.has(index)) return;
    const row = ring.row(index);
    const spot = ring.spot[row]!;
    const known = !Number.isNaN(spot);
    this.#spot.set(known ? formatTicks(asTick(spot), session.tickInt, session.decimals) : NONE);
    this.#tick.set(known ? String(spot) : NONE);
    this.#time.set(wall.label(epochSecond(session, index)));
    this.#window.set(`${index + 1} / ${session.windows}`);
    this.#showForecast(ring, index, row);
  }

  /** How often the direction was right, of the forecasts whose time is over. */
  showHits(horizon: number, hits: number, misses: number): void {
    this.#hitsLabel.set(`Hits at +${horizon} s`);
    const judged = hits + misses;
    this.#hits.set(judged === 0 ? NONE : `${Math.round((100 * hits) / judged)} % of ${judged}`);
  }

  showSpeed(speed: number): void {
    this.#speed.set(`${speed}×`);
  }

  showHealth(player: Player, frameMs: number): void {
    const ahead = Math.max(0, player.clock.latest - player.clock.position);
    this.#health.set(
      `frame ${frameMs.toFixed(1)} ms · ahead ${(ahead || 0).toFixed(1)}\n` +
        `decode ${player.decodeMs.toFixed(1)} ms\n` +
        `epoch ${player.epoch} · dropped ${player.disorder}`,
    );
  }

  #showForecast(ring: SessionRing, index: number, row: number): void {
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
    this.#wallUp.set(ticks(diagnostic("D_up")));
    this.#wallDown.set(ticks(diagnostic("D_down")));
    const confidence = value("confidence", FORECAST_HORIZONS - 1);
    this.#confidence.set(
      Number.isNaN(confidence) ? "uncalibrated" : `${(100 * confidence).toFixed(0)} %`,
    );
    MOVES.forEach((horizon, m) => {
      this.#moves[m]!.set(signed(value("predicted_delta", horizon), 2));
    });
  }
}

function barValue(score: number): number {
  return score > 0 ? score / (score + HALF_RUN_SCORE) : 0;
}

function signed(value: number, digits: number): string {
  if (Number.isNaN(value)) return NONE;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

function ticks(value: number): string {
  return Number.isNaN(value) ? NONE : `${value} ticks`;
}

/** New York (EST): the city of the session's zone and the zone's short name on that day. */
function zoneName(session: SessionInfo): string {
  const city = session.timeZone.split("/").at(-1)?.replace("_", " ") ?? session.timeZone;
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: session.timeZone,
    timeZoneName: "short",
  }).formatToParts(epochSecond(session, 0) * 1000);
  const short = parts.find((part) => part.type === "timeZoneName")?.value;
  return short === undefined ? city : `${city} (${short})`;
}
