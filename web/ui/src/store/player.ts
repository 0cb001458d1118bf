/** The player's model: one session, its stream, ring and clock. Knows nothing of the page. */

import { type BatchEvent, type WorkerEvent, StreamClient } from "../wire/client";
import { type ServerMessage, parseServerMessage } from "../wire/control";
import {
  type MapName,
  type SessionInfo,
  cellsOf,
  clampWindow,
  epochSecond,
  geometryOf,
  hasMap,
  shownSurfaces,
  windowEndNs,
} from "../wire/session";
import type { WallClock } from "../view/scales";
import { reconnectDelayMs } from "./backoff";
import { PlaybackClock } from "./clock";
import { History } from "./history";
import { SessionRing } from "./ring";

export type PlayerState =
  | "idle"
  | "connecting"
  | "live"
  | "paused"
  | "ended"
  | "reconnecting"
  | "failed";

/** Credit covers so many seconds of playback, so that grants stay rare messages. */
const CREDIT_SECONDS = 16;
const CREDIT_LEAST = 128;

/** Seeks while dragging go out at most this often; the last one always does. */
const SEEK_INTERVAL_MS = 150;

const CLOSE_NORMAL = 1000;
/** HTTP status of a tile whose session has been replaced. */
const GONE = 410;
const CLOSE_POLICY = 1008;

export interface PlayerEvents {
  /** State, session or speed changed. */
  onChange: () => void;
  /** Windows arrived: there may be more to draw. */
  onData: () => void;
  /** A fault a person should read; null takes the last one back. */
  onFault: (message: string | null) => void;
  /** Fetch the session's description anew before a reconnect. */
  describe: (symbol: string, dt: string) => Promise<SessionInfo>;
}

export class Player {
  readonly clock = new PlaybackClock();
  session: SessionInfo | null = null;
  /** The map that is asked for; a session without a wide one shows its own cells. */
  map: MapName = "fine";
  ring: SessionRing | null = null;
  state: PlayerState = "idle";
  epoch = 0;
  decodeMs = 0;
  /** Windows that arrived out of order or twice within an epoch. */
  disorder = 0;

  readonly #events: PlayerEvents;
  readonly #client: StreamClient;
  readonly #history: History;
  #wall: WallClock | null = null;
  #wantsPlay = true;
  #awaiting = 0;
  #creditLeft = 0;
  #expectedSeq = 0;
  #attempt = 0;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  #seekTimer: ReturnType<typeof setTimeout> | undefined;
  #seekTarget: number | null = null;
  #lastSeekMs = -Infinity;
  #historyFaulted = false;
  /** Whether the fault that is shown is one of the stream's. */
  #faulted = false;
  #connection = 0;
  #connectedAt = 0;
  #connectedSpeed = 1;

  constructor(events: PlayerEvents) {
    this.#events = events;
    this.#client = new StreamClient(
      (event) => {
        this.#receive(event);
      },
      (message) => {
        this.#fail(message);
      },
    );
    this.#history = new History(this.#client);
  }

  get playing(): boolean {
    return this.#wantsPlay;
  }

  /** Window at which playback goes on after an interruption. */
  get window(): number {
    if (this.#seekTarget !== null) return this.#seekTarget;
    return Number.isNaN(this.clock.position) ? 0 : Math.max(0, this.clock.window);
  }

  /** Play another session; all state of the one before is gone. */
  open(session: SessionInfo, wall: WallClock, from: number, speed: number, play: boolean): void {
    this.session = session;
    this.#wall = wall;
    this.#empty(session);
    this.clock.clear();
    this.clock.speed = speed;
    this.#wantsPlay = play;
    this.disorder = 0;
    this.#seekTarget = null;
    clearTimeout(this.#seekTimer);
    this.#connect(clampWindow(session, from));
  }

  /** Show the other map from the same window on: its cells are others, nothing that is held fits. */
  showMap(map: MapName): void {
    this.map = map;
    const { session } = this;
    if (session === null) return;
    this.#empty(session);
    this.#connect(clampWindow(session, this.window));
  }

  /** Stop; the picture stays. */
  close(): void {
    clearTimeout(this.#reconnectTimer);
    this.#connection += 1;
    this.#client.close();
    this.#setState("idle");
  }

  togglePlay(): void {
    if (this.#wantsPlay && this.state !== "failed" && this.state !== "idle") this.pause();
    else this.play();
  }

  pause(): void {
    this.#wantsPlay = false;
    this.clock.playing = false;
    this.#send({ type: "pause" });
    if (this.state === "live") this.#setState("paused");
    this.#events.onChange();
  }

  play(): void {
    const { session } = this;
    if (session === null) return;
    this.#wantsPlay = true;
    if (this.state === "ended" || this.state === "failed" || this.state === "idle") {
      const atEnd = this.window >= session.windows - 1;
      this.#connect(clampWindow(session, atEnd ? 0 : this.window));
      return;
    }
    this.#flushSeek();
    this.#send({ type: "resume" });
    if (this.state === "paused") {
      this.clock.playing = true;
      this.#setState("live");
    }
    this.#events.onChange();
  }

  setSpeed(speed: number): void {
    this.clock.speed = speed;
    this.#send({ type: "speed", speed });
    this.#grant();
    this.#events.onChange();
  }

  stepBy(windows: number): void {
    if (this.#wantsPlay) this.pause();
    this.seekTo(this.window + windows);
  }

  /** Go to a window: at once where the ring holds it, and in any case through the stream. */
  seekTo(index: number): void {
    const { session, ring } = this;
    if (session === null || ring === null) return;
    const target = clampWindow(session, index);
    if (this.state === "ended" || this.state === "failed" || this.state === "idle") {
      this.#connect(target);
      return;
    }
    this.#seekTarget = target;
    if (ring.has(target)) {
      this.clock.latest = target;
      this.clock.position = target;
    }
    clearTimeout(this.#seekTimer);
    const wait = this.#lastSeekMs + SEEK_INTERVAL_MS - performance.now();
    if (wait <= 0) this.#flushSeek();
    else {
      this.#seekTimer = setTimeout(() => {
        this.#flushSeek();
      }, wait);
    }
    this.#events.onChange();
  }

  /** Fetch what is on the screen and not in the ring; `first` and `last` are windows. */
  fillHistory(first: number, last: number): void {
    if (this.ring !== null && this.state !== "reconnecting") {
      this.#history.fill(this.ring, Math.max(0, first), last);
    }
  }

  #empty(session: SessionInfo): void {
    this.ring = new SessionRing(cellsOf(session, this.map), session.strikes, hasMap(session, this.map));
    this.#history.reset(session, this.map);
  }

  #connect(from: number): void {
    const { session } = this;
    if (session === null || this.#wall === null) return;
    clearTimeout(this.#reconnectTimer);
    this.#connection += 1;
    this.#seekTarget = from;
    this.#connectedAt = from;
    this.#connectedSpeed = this.clock.speed;
    this.clock.playing = false;
    this.clock.rebase();
    this.#awaiting = 0;
    this.epoch = 0;
    this.#expectedSeq = 0;
    if (this.state !== "reconnecting") this.#setState("connecting");
    const surfaces = shownSurfaces(session, this.map);
    const url = new URL("/v1/velocity/stream", window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.search = new URLSearchParams({
      symbol: session.symbol,
      dt: session.dt,
      format: "tiles",
      surfaces: surfaces.join(","),
      speed: String(this.clock.speed),
      start: this.#wall.label(epochSecond(session, from)),
    }).toString();
    this.#client.connect(url.href, geometryOf(session, this.map), surfaces.at(-1) ?? "snap");
  }

  #receive(event: WorkerEvent): void {
    switch (event.type) {
      case "open":
        this.#opened();
        return;
      case "control":
        this.#control(event.text);
        return;
      case "batch":
        this.#batch(event);
        return;
      case "closed":
        this.#closed(event.code, event.reason);
        return;
      case "fault":
        this.#fail(event.message);
        return;
      case "history":
        this.#history.arrived(event, this.ring);
        if (this.#historyFaulted && !this.#history.failing) this.#historyMended();
        this.#events.onData();
        return;
      case "history_fault":
        if (this.#history.failed(event)) this.#historyFailed(event.status, event.message);
    }
  }

  #historyFailed(status: number, message: string): void {
    if (this.state === "reconnecting") return;
    // The session has been published anew since it was opened: go on with what is published now.
    if (status === GONE) {
      this.#client.close();
      this.#reconnect();
      return;
    }
    this.#historyFaulted = true;
    this.#report(`What came before cannot be loaded: ${message}. Trying again.`);
  }

  #historyMended(): void {
    this.#historyFaulted = false;
    this.#faulted = false;
    this.#events.onFault(null);
  }

  #opened(): void {
    this.#attempt = 0;
    if (this.#faulted) this.#events.onFault(null);
    this.#faulted = this.#historyFaulted = false;
    this.#creditLeft = 0;
    this.#grant();
    this.clock.playing = this.#wantsPlay;
    this.#setState(this.#wantsPlay ? "live" : "paused");
    if (this.clock.speed !== this.#connectedSpeed) {
      this.#send({ type: "speed", speed: this.clock.speed });
    }
    if (!this.#wantsPlay) {
      // The first window is already on its way; the seek makes it the one that is held.
      this.#send({ type: "pause" });
      this.#flushSeek();
    } else if (this.#seekTarget !== this.#connectedAt) {
      this.#flushSeek();
    }
  }

  #control(text: string): void {
    let message: ServerMessage;
    try {
      message = parseServerMessage(text);
    } catch (error) {
      this.#fail(messageOf(error));
      return;
    }
    switch (message.type) {
      case "stream_info":
        return;
      case "ack":
        this.#acknowledged(message.of, message.epoch);
        return;
      case "stream_end":
        this.#ended(message.reason);
        return;
      case "error":
        this.#report(message.message);
    }
  }

  #acknowledged(of: string, epoch: number): void {
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.#expectedSeq = 0;
    }
    if (of === "seek") {
      this.#awaiting -= 1;
      if (this.#awaiting === 0 && this.#seekTimer === undefined) this.clock.rebase();
    }
    this.#events.onChange();
  }

  #ended(reason: string): void {
    if (reason === "end_of_session") {
      this.#wantsPlay = false;
      this.clock.playing = false;
      this.#setState("ended");
    }
  }

  #batch(event: BatchEvent): void {
    const { ring } = this;
    const index = event.tiles[0]?.index;
    if (ring === null || index === undefined) return;
    this.decodeMs += (event.decodeMs - this.decodeMs) * 0.1;
    for (const tile of event.tiles) ring.put(tile);
    this.#events.onData();
    this.#creditLeft -= index.length;
    this.#grant();
    // Windows sent before the service heard of a seek are kept, but do not move the playhead.
    if (this.#awaiting > 0 || event.epoch !== this.epoch) return;
    if (event.seq !== this.#expectedSeq) this.disorder += 1;
    this.#expectedSeq = event.seq + index.length;
    if (this.#seekTimer !== undefined) return;
    this.#seekTarget = null;
    for (const arrived of index) this.clock.arrive(arrived);
  }

  #closed(code: number, reason: string): void {
    if (this.state === "ended" && code === CLOSE_NORMAL) return;
    if (code === CLOSE_POLICY) {
      this.#fail(reason === "" ? "the service refused the stream" : reason);
      return;
    }
    this.#reconnect();
  }

  #reconnect(): void {
    const { session } = this;
    if (session === null) return;
    const from = this.window;
    this.clock.playing = false;
    this.#setState("reconnecting");
    clearTimeout(this.#reconnectTimer);
    this.#connection += 1;
    const connection = this.#connection;
    this.#reconnectTimer = setTimeout(() => {
      this.#events
        .describe(session.symbol, session.dt)
        .then((description) => {
          if (connection !== this.#connection) return;
          if (description.version !== session.version) this.#replace(description);
          // A seek meanwhile moved the place to go on at.
          this.#connect(clampWindow(description, this.#seekTarget ?? from));
        })
        .catch((error: unknown) => {
          if (connection !== this.#connection) return;
          // A service that restarts is back before the second attempt: that is nobody's fault.
          if (this.#attempt > 1) this.#report(`The stream is interrupted: ${messageOf(error)}. Trying again.`);
          this.#reconnect();
        });
    }, reconnectDelayMs(this.#attempt));
    this.#attempt += 1;
  }

  /** The session was published anew: nothing of the old one may be drawn beside it. */
  #replace(session: SessionInfo): void {
    this.session = session;
    this.#empty(session);
    this.clock.clear();
    this.#events.onChange();
  }

  #flushSeek(): void {
    clearTimeout(this.#seekTimer);
    this.#seekTimer = undefined;
    const { session } = this;
    const target = this.#seekTarget;
    if (session === null || target === null) return;
    if (this.state === "reconnecting" || this.state === "connecting") return;
    this.#lastSeekMs = performance.now();
    this.#awaiting += 1;
    this.#send({ type: "seek", window_end_ts_ns: windowEndNs(session, target) });
  }

  /** Let the service send on before it runs dry; rarely, because messages are counted. */
  #grant(): void {
    const full = Math.max(CREDIT_LEAST, Math.ceil(this.clock.speed * CREDIT_SECONDS));
    if (this.#creditLeft > full / 2) return;
    const windows = full - Math.max(0, this.#creditLeft);
    this.#creditLeft = Math.max(0, this.#creditLeft) + windows;
    this.#send({ type: "credit", windows });
  }

  #send(message: Parameters<StreamClient["send"]>[0]): void {
    this.#client.send(message);
  }

  #fail(message: string): void {
    this.clock.playing = false;
    this.#client.close();
    this.#setState("failed");
    this.#report(message);
  }

  #report(message: string): void {
    this.#faulted = true;
    this.#events.onFault(message);
  }

  #setState(state: PlayerState): void {
    this.state = state;
    this.#events.onChange();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
