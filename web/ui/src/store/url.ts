/** What is being watched, as a query string that can be shared. */

import { SPEEDS } from "./speeds";

export interface ViewAddress {
  readonly symbol: string | null;
  readonly dt: string | null;
  /** Wall clock of the session's time zone, HH:MM:SS. */
  readonly time: string | null;
  readonly speed: number;
  readonly field: string | null;
  readonly paused: boolean;
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const SYMBOL = /^[A-Z0-9.]{1,24}$/i;

/** Read an address; parts that are not well formed count as absent. */
export function parseAddress(query: string): ViewAddress {
  const parameters = new URLSearchParams(query);
  const matching = (name: string, pattern: RegExp): string | null => {
    const value = parameters.get(name);
    return value !== null && pattern.test(value) ? value : null;
  };
  const speed = Number(parameters.get("speed") ?? "1");
  return {
    symbol: matching("symbol", SYMBOL),
    dt: matching("dt", DATE),
    time: matching("time", TIME),
    speed: SPEEDS.includes(speed) ? speed : 1,
    field: matching("field", /^[A-Za-z_]{1,32}$/),
    paused: parameters.get("paused") === "1",
  };
}

/** Write an address, without what is absent or the default. */
export function formatAddress(address: ViewAddress): string {
  const parts: string[] = [];
  if (address.symbol !== null) parts.push(`symbol=${encodeURIComponent(address.symbol)}`);
  if (address.dt !== null) parts.push(`dt=${address.dt}`);
  if (address.time !== null) parts.push(`time=${address.time}`);
  if (address.speed !== 1) parts.push(`speed=${address.speed}`);
  if (address.field !== null) parts.push(`field=${address.field}`);
  if (address.paused) parts.push("paused=1");
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
