/** Waiting times between attempts to reconnect. */

const FIRST_MS = 200;
/** A killed service that is up again is found within 3 s, connection time included. */
const LARGEST_MS = 1000;

/** Milliseconds to wait before attempt `attempt` (0-based). */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(LARGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
}
