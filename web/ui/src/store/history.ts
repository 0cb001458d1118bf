/** Windows left of NOW that the stream did not bring: fetched in tiles after a seek or a zoom. */

import type { StreamClient, WorkerEvent } from "../wire/client";
import { type MapName, type SessionInfo, geometryOf, shownSurfaces } from "../wire/session";
import type { SessionRing } from "./ring";

const BLOCKS_IN_FLIGHT = 2;
/** A block that failed is asked for again after this time. */
const RETRY_MS = 5000;

type Arrived = Extract<WorkerEvent, { type: "history" }>;
type Failed = Extract<WorkerEvent, { type: "history_fault" }>;

export class History {
  readonly #client: StreamClient;
  readonly #pending = new Set<number>();
  readonly #failedAt = new Map<number, number>();
  #session: SessionInfo | null = null;
  #map: MapName = "fine";
  #generation = 0;

  constructor(client: StreamClient) {
    this.#client = client;
  }

  reset(session: SessionInfo, map: MapName): void {
    this.#session = session;
    this.#map = map;
    this.#generation += 1;
    this.#pending.clear();
    this.#failedAt.clear();
  }

  /** Ask for the blocks of windows [first, last] that the ring lacks, the newest first. */
  fill(ring: SessionRing, first: number, last: number): void {
    const session = this.#session;
    if (session === null || last < 0) return;
    const size = session.tileWindows;
    const oldest = Math.max(first, last - ring.capacity + size + 1);
    for (let block = Math.floor(last / size); block >= Math.floor(oldest / size); block--) {
      if (this.#pending.size >= BLOCKS_IN_FLIGHT) return;
      if (this.#pending.has(block) || this.#recentlyFailed(block)) continue;
      const from = Math.max(oldest, block * size);
      const to = Math.min(last, (block + 1) * size - 1, session.windows - 1);
      if (lacks(ring, from, to)) this.#request(session, block);
    }
  }

  /** Whether a block failed that did not come since. */
  get failing(): boolean {
    return this.#failedAt.size > 0;
  }

  arrived(event: Arrived, ring: SessionRing | null): void {
    if (event.session !== this.#generation) return;
    this.#failedAt.delete(event.block);
    this.#pending.delete(event.block);
    if (ring !== null) for (const tile of event.tiles) ring.put(tile);
  }

  /** Note a block that failed; false when it belongs to a session that is shown no more. */
  failed(event: Failed): boolean {
    if (event.session !== this.#generation) return false;
    this.#pending.delete(event.block);
    this.#failedAt.set(event.block, performance.now());
    return true;
  }

  #recentlyFailed(block: number): boolean {
    const at = this.#failedAt.get(block);
    return at !== undefined && performance.now() - at < RETRY_MS;
  }

  #request(session: SessionInfo, block: number): void {
    this.#pending.add(block);
    const base = `/v1/sessions/${encodeURIComponent(session.symbol)}/${session.dt}/tiles`;
    const tiles = shownSurfaces(session, this.#map).map((surface) => ({
      surface,
      // The version in the query keeps a browser's cache from mixing two publications.
      url: `${base}/${surface}/${block}?v=${encodeURIComponent(session.version)}`,
    }));
    this.#client.history(this.#generation, block, tiles, geometryOf(session, this.#map));
  }
}

function lacks(ring: SessionRing, from: number, to: number): boolean {
  for (let index = from; index <= to; index++) if (!ring.has(index)) return true;
  return false;
}
