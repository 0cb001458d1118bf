/** The page's handle on the stream worker: what can be asked of it and what it reports. */

import type { Surface } from "./header";
import type { Geometry, Tile } from "./tiles";
import type { Epoch } from "./units";

export type WorkerRequest =
  | {
      type: "connect";
      generation: number;
      url: string;
      geometry: Geometry;
      /** The surface that the service sends last of each batch of windows. */
      last: Surface;
    }
  | { type: "send"; text: string }
  | { type: "close" }
  | {
      type: "history";
      session: number;
      block: number;
      tiles: readonly TileAddress[];
      geometry: Geometry;
    };

export interface TileAddress {
  readonly surface: Surface;
  readonly url: string;
}

/** All surfaces of some windows: one message to the page, because each costs it more than its work. */
export interface BatchEvent {
  type: "batch";
  generation: number;
  epoch: Epoch;
  seq: number;
  tiles: readonly Tile[];
  /** Time it took to decode them all. */
  decodeMs: number;
}

export type WorkerEvent =
  | { type: "open"; generation: number }
  | { type: "closed"; generation: number; code: number; reason: string }
  | { type: "control"; generation: number; text: string }
  | { type: "fault"; generation: number; message: string }
  | BatchEvent
  | { type: "history"; session: number; block: number; tiles: readonly Tile[] }
  /** `status` is the HTTP status of the answer, 0 when there was none. */
  | { type: "history_fault"; session: number; block: number; status: number; message: string };

/** Control messages of the stream protocol. */
export type ControlMessage =
  | { type: "pause" }
  | { type: "resume" }
  | { type: "speed"; speed: number }
  | { type: "seek"; window_end_ts_ns: string }
  | { type: "step"; n: number }
  | { type: "credit"; windows: number };

export class StreamClient {
  readonly #worker: Worker;
  #generation = 0;

  constructor(onEvent: (event: WorkerEvent) => void, onFault: (message: string) => void) {
    this.#worker = new Worker(new URL("./stream.worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = (event: MessageEvent<WorkerEvent>) => {
      const { data } = event;
      // What a replaced connection still reports concerns nobody.
      if ("generation" in data && data.generation !== this.#generation) return;
      onEvent(data);
    };
    this.#worker.onerror = (event) => {
      onFault(`the decoder stopped: ${event.message || "its script could not be loaded"}`);
    };
  }

  connect(url: string, geometry: Geometry, last: Surface): void {
    this.#generation += 1;
    this.#post({ type: "connect", generation: this.#generation, url, geometry, last });
  }

  send(message: ControlMessage): void {
    this.#post({ type: "send", text: JSON.stringify(message) });
  }

  close(): void {
    this.#generation += 1;
    this.#post({ type: "close" });
  }

  history(session: number, block: number, tiles: readonly TileAddress[], geometry: Geometry): void {
    this.#post({ type: "history", session, block, tiles, geometry });
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }
}
