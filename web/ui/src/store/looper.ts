/** Repeats a range of the session: watches the player and sends it back to the begin. */

import type { WallClock } from "../view/scales";
import { type SessionInfo, epochSecond } from "../wire/session";
import { type Loop, indexOfTime, pressLoop } from "./moments";
import type { Player } from "./player";

export class Looper {
  readonly #player: Player;
  readonly #onChange: (loop: Loop | null) => void;
  #loop: Loop | null = null;

  constructor(player: Player, onChange: (loop: Loop | null) => void) {
    this.#player = player;
    this.#onChange = onChange;
  }

  set(loop: Loop | null): void {
    this.#loop = loop;
    this.#onChange(loop);
  }

  /** Begin, end or drop the loop at the window that is shown. */
  press(): void {
    if (this.#player.session !== null) this.set(pressLoop(this.#loop, this.#player.window));
  }

  /** Set the loop between two wall-clock times, none when they are not in the session's order. */
  setTimes(times: readonly [string, string] | null, session: SessionInfo, wall: WallClock): void {
    const [from, to] = (times ?? []).map((time) => indexOfTime(session, wall, time));
    const known = from !== null && from !== undefined && to !== null && to !== undefined;
    this.set(known && to > from ? { from, to } : null);
  }

  /** The loop as wall-clock times, null while it has no end. */
  times(session: SessionInfo, wall: WallClock): [string, string] | null {
    if (this.#loop === null || this.#loop.to === null) return null;
    const label = (index: number): string => wall.label(epochSecond(session, index));
    return [label(this.#loop.from), label(this.#loop.to)];
  }

  /** Go back to the begin when the end is reached, or when the session ended within the loop. */
  watch(): void {
    const loop = this.#loop;
    if (loop === null || loop.to === null) return;
    const { state, playing, window } = this.#player;
    if (state === "ended") {
      this.#player.seekTo(loop.from);
      this.#player.play();
    } else if (playing && state === "live" && window >= loop.to) this.#player.seekTo(loop.from);
  }
}
