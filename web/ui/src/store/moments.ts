/** Wall-clock times of a session, and the range of it that is repeated. */

import type { WallClock } from "../view/scales";
import { type SessionInfo, epochSecond } from "../wire/session";

/** The window that ends at a wall-clock time of the session, null when none does. */
export function indexOfTime(session: SessionInfo, wall: WallClock, time: string): number | null {
  const opening = wall.label(epochSecond(session, 0));
  const day = 24 * 3600;
  const index = (secondOfDay(time) - secondOfDay(opening) + day) % day;
  return index < session.windows && wall.label(epochSecond(session, index)) === time ? index : null;
}

/** HH:MM:SS of what a person typed: seconds may be left out, and colons where a keyboard has none. */
export function completeTime(text: string): string {
  const digits = /^(\d{2}):?(\d{2}):?(\d{2})?$/.exec(text);
  return digits === null ? text : `${digits[1]!}:${digits[2]!}:${digits[3] ?? "00"}`;
}

function secondOfDay(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number);
  return (hours * 60 + minutes) * 60 + seconds;
}

/** Windows that are repeated; `to` is null while its end has not been chosen. */
export interface Loop {
  readonly from: number;
  readonly to: number | null;
}

/** The next state of a loop when its button is pressed at a window: begin, end, none. */
export function pressLoop(loop: Loop | null, window: number): Loop | null {
  if (loop === null) return { from: window, to: null };
  if (loop.to === null && window > loop.from) return { from: loop.from, to: window };
  return null;
}
