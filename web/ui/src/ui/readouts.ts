/** The figures of the window at NOW, and the health of the stream. */

import type { Player } from "../store/player";
import { qualityText } from "../view/quality";
import { type WallClock, formatTicks } from "../view/scales";
import { type SessionInfo, epochSecond, spotIsMid } from "../wire/session";
import { asTick } from "../wire/units";
import { TextOut } from "./dom";
import { NONE } from "./figures";

export class Readouts {
  readonly #contract = new TextOut("out-contract");
  readonly #name = new TextOut("out-name");
  readonly #spot = new TextOut("out-spot");
  readonly #tick = new TextOut("out-tick");
  readonly #tickLabel = new TextOut("out-tick-label");
  readonly #time = new TextOut("out-time");
  readonly #zone = new TextOut("out-zone");
  readonly #window = new TextOut("out-window");
  readonly #speed = new TextOut("out-speed");
  readonly #health = new TextOut("health");
  readonly #quality = new TextOut("quality");

  showSession(session: SessionInfo): void {
    this.#contract.set(`${session.symbol} · ${session.dt}`);
    this.#name.set(session.name);
    this.#tickLabel.set(spotIsMid(session) ? "Tick of mid" : "Tick");
    this.#zone.set(zoneName(session));
    this.#quality.set(qualityText(session.scorecard));
  }

  /** `index` must be held by the player's ring. */
  showWindow(spot: number, index: number, session: SessionInfo, wall: WallClock): void {
    const { tickInt, orderStepInt, decimals } = session;
    const known = !Number.isNaN(spot);
    this.#spot.set(known ? formatTicks(asTick(spot), tickInt, decimals) : NONE);
    // The page counts in cells; a person in the price step of orders.
    this.#tick.set(known ? String(Math.round((2 * spot * tickInt) / orderStepInt) / 2) : NONE);
    this.#time.set(wall.label(epochSecond(session, index)));
    this.#window.set(`${index + 1} / ${session.windows}`);
  }

  showSpeed(speed: number): void {
    this.#speed.set(`${speed}×`);
  }

  showHealth(player: Player, frameMs: number): void {
    const ahead = Math.max(0, player.clock.latest - player.clock.position) || 0;
    this.#health.set(
      `ahead ${ahead.toFixed(1)} · decode ${player.decodeMs.toFixed(1)} ms · ` +
        `frame ${frameMs.toFixed(1)} ms · dropped ${player.disorder} · epoch ${player.epoch}`,
    );
  }
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
