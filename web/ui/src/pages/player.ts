/** The session player: joins model, renderer and controls. */

import { Renderer, type Scene } from "../gl/renderer";
import { Paced } from "../store/paced";
import { Player } from "../store/player";
import { neighbouringSpeed } from "../store/speeds";
import { formatAddress, parseAddress } from "../store/url";
import { Axes, PRICE_AXIS_PX, TIME_AXIS_PX } from "../ui/axes";
import { Controls } from "../ui/controls";
import { byId } from "../ui/dom";
import { ALL, CURSOR, FrameLoop } from "../ui/frame_loop";
import { listenToGestures } from "../ui/gestures";
import { listenToKeys } from "../ui/keyboard";
import { Legend } from "../ui/legend";
import { Notices } from "../ui/notices";
import { Probe } from "../ui/probe";
import { Readouts } from "../ui/readouts";
import { Scrubber } from "../ui/scrubber";
import { Camera } from "../view/camera";
import { LAYERS, type LayerName, allLayers } from "../view/layers";
import { type CutOffs, type VisibleRange, measureCutOffs } from "../view/range";
import { WallClock } from "../view/scales";
import { SHADES, shadeOf } from "../view/shades";
import { fetchSession, fetchSessions } from "../wire/api";
import { FIELDS } from "../wire/fields";
import { type SessionEntry, type SessionInfo, epochSecond } from "../wire/session";

/** Work that need not happen in every frame. */
const RANGE_INTERVAL_MS = 700;
const HISTORY_INTERVAL_MS = 120;
const ADDRESS_INTERVAL_MS = 1000;
const READOUT_INTERVAL_MS = 60;
const HEALTH_INTERVAL_MS = 500;
const RETRY_SESSIONS_MS = 1500;

class PlayerPage {
  readonly #address = parseAddress(window.location.search);
  readonly #camera = new Camera();
  readonly #layers = allLayers();
  readonly #notices = new Notices();
  readonly #plot = byId("plot", HTMLCanvasElement);
  readonly #stage = byId("stage", HTMLElement);
  readonly #renderer = new Renderer(this.#plot);
  readonly #axes = new Axes(byId("axes", HTMLCanvasElement));
  readonly #probe = new Probe(byId("cursor", HTMLCanvasElement));
  readonly #legend = new Legend();
  readonly #readouts = new Readouts();
  readonly #scene: Scene;
  readonly #player: Player;
  readonly #controls: Controls;
  readonly #scrubber: Scrubber;
  readonly #visible: VisibleRange = { firstWindow: 0, lastWindow: 0, lowTick: 0, highTick: 0 };
  readonly #cutOffs: CutOffs = { low: 0, high: 1 };
  #sessions: SessionEntry[] = [];
  #session: SessionInfo | null = null;
  #wall: WallClock | null = null;
  readonly #historyPace = new Paced(HISTORY_INTERVAL_MS, () => {
    this.#fillHistory();
  });
  readonly #rangePace = new Paced(RANGE_INTERVAL_MS, () => {
    this.#updateRange();
  });
  readonly #addressPace = new Paced(ADDRESS_INTERVAL_MS, () => {
    this.#writeAddress();
  });
  readonly #loop: FrameLoop;
  #spot = NaN;
  #rising = true;
  #gliding = false;
  #followedWindow = NaN;
  #opening = 0;

  constructor() {
    this.#scene = {
      camera: this.#camera,
      layers: this.#layers,
      shade: shadeOf(this.#address.field),
      rangeLow: 0,
      rangeHigh: 1,
      window: -1,
    };
    this.#loop = new FrameLoop(
      {
        advance: (seconds) => this.#advance(seconds),
        isRunning: () => this.#player.clock.playing,
        isReady: () => this.#player.ring !== null && !Number.isNaN(this.#player.clock.position),
        drawAll: () => {
          this.#drawAll();
        },
        drawCursor: () => {
          this.#drawCursor();
        },
      },
      [
        this.#historyPace,
        this.#rangePace,
        this.#addressPace,
        new Paced(READOUT_INTERVAL_MS, () => {
          this.#showFigures();
        }),
        new Paced(HEALTH_INTERVAL_MS, () => {
          this.#showHealth();
        }),
      ],
    );
    this.#player = new Player({
      onChange: () => {
        this.#showState();
      },
      onData: () => {
        this.#loop.invalidate(ALL);
      },
      onFault: (message) => {
        this.#notices.fault(message);
      },
      describe: fetchSession,
    });
    this.#player.clock.stepwise = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#player.clock.speed = this.#address.speed;
    this.#controls = new Controls({
      onRestart: () => {
        this.#restart();
      },
      onTogglePlay: () => {
        this.#player.togglePlay();
      },
      onStep: (windows) => {
        this.#player.stepBy(windows);
      },
      onSpeed: (speed) => {
        this.#player.setSpeed(speed);
      },
      onFollow: () => {
        this.#toggleFollow();
      },
      onField: (field) => {
        this.#showField(field);
      },
      onLayer: (layer) => {
        this.#toggleLayer(layer);
      },
      onSession: (symbol, dt) => {
        void this.#open(symbol, dt, null, true);
      },
    });
    this.#scrubber = new Scrubber((index) => {
      this.#player.seekTo(index);
    });
    this.#renderer.onRestored = () => {
      this.#loop.invalidate(ALL);
    };
  }

  async start(): Promise<void> {
    this.#listen();
    this.#resize();
    this.#showField(this.#scene.shade.field);
    this.#controls.showLayers(this.#layers);
    this.#controls.showFollow(this.#camera.follow);
    this.#showState();
    this.#sessions = await this.#awaitSessions();
    this.#controls.showSessions(this.#sessions);
    const { symbol, dt, time, paused } = this.#address;
    const entry =
      this.#sessions.find((s) => s.symbol === symbol && (dt === null || s.dt === dt)) ??
      (symbol === null ? this.#sessions.find((s) => dt === null || s.dt === dt) : undefined);
    // An address that names no listed session is still asked for: it may be a bare root.
    const wanted = entry ?? (symbol !== null && dt !== null ? { symbol, dt } : undefined);
    if (wanted === undefined) this.#notices.fault(`No session of ${symbol ?? dt ?? ""} is published.`);
    else await this.#open(wanted.symbol, wanted.dt, time, !paused);
  }

  /** Wait for the service and for its first session; both may come after the page. */
  async #awaitSessions(): Promise<SessionEntry[]> {
    for (;;) {
      try {
        const sessions = await fetchSessions();
        this.#notices.fault(null);
        if (sessions.length > 0) {
          this.#notices.empty(null);
          return sessions;
        }
        this.#notices.empty("No session is published yet. This page opens the first one that is.");
      } catch (error) {
        this.#notices.fault(`Sessions cannot be listed: ${messageOf(error)}. Trying again.`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_SESSIONS_MS));
    }
  }

  async #open(symbol: string, dt: string, time: string | null, play: boolean): Promise<void> {
    this.#opening += 1;
    const opening = this.#opening;
    let session: SessionInfo;
    try {
      session = await fetchSession(symbol, dt);
    } catch (error) {
      if (opening === this.#opening) {
        this.#notices.fault(`${symbol} on ${dt} cannot be opened: ${messageOf(error)}.`);
      }
      return;
    }
    if (opening !== this.#opening) return;
    const wall = new WallClock(session.timeZone);
    this.#clearPicture();
    const from = time === null ? 0 : indexOfTime(session, wall, time);
    if (from === null) this.#notices.fault(`${time ?? ""} is not within the session; it plays from the open.`);
    else this.#notices.fault(null);
    this.#player.open(session, wall, from ?? 0, this.#player.clock.speed, play);
    this.#show(session, wall);
  }

  /** Reconnect and forget everything: ring, view, faults; the session begins anew. */
  #restart(): void {
    const session = this.#session;
    if (session === null) return;
    this.#camera.reset();
    this.#controls.showFollow(true);
    this.#player.close();
    void this.#open(session.symbol, session.dt, null, true);
  }

  #clearPicture(): void {
    this.#camera.centerTick = NaN;
    this.#scene.window = -1;
    this.#spot = NaN;
    this.#rangePace.hurry();
  }

  #show(session: SessionInfo, wall: WallClock): void {
    this.#session = session;
    this.#wall = wall;
    this.#renderer.show(this.#player.ring);
    this.#axes.show(session, wall);
    this.#scrubber.show(session, wall);
    this.#readouts.showSession(session);
    this.#controls.showSession(session.symbol, session.dt);
    document.title = `${session.symbol} ${session.dt} · Spymaster`;
    if (!session.surfaces.includes("velocity")) {
      this.#notices.fault("This session has no liquidity surface yet; its prices are shown alone.");
    }
    this.#loop.invalidate(ALL);
  }

  #showState(): void {
    const { state, playing, clock, session } = this.#player;
    this.#controls.showState(state, playing && state !== "failed" && state !== "idle");
    this.#controls.showSpeed(clock.speed);
    this.#readouts.showSpeed(clock.speed);
    if (session !== null && session !== this.#session && this.#wall !== null && this.#session !== null) {
      this.#clearPicture();
      this.#show(session, this.#wall);
    }
    this.#addressPace.hurry();
    this.#loop.invalidate(ALL);
  }

  #showField(field: string): void {
    this.#scene.shade = shadeOf(field);
    this.#controls.showField(this.#scene.shade.field);
    this.#legend.show(this.#scene.shade);
    this.#rangePace.hurry();
    this.#addressPace.hurry();
    this.#loop.invalidate(ALL);
  }

  #toggleLayer(layer: LayerName): void {
    this.#layers[layer] = !this.#layers[layer];
    this.#controls.showLayers(this.#layers);
    this.#loop.invalidate(ALL);
  }

  #toggleFollow(): void {
    this.#camera.follow = !this.#camera.follow;
    this.#viewChanged();
    this.#gliding = this.#camera.follow;
  }

  #viewChanged(): void {
    this.#controls.showFollow(this.#camera.follow);
    this.#gliding = false;
    this.#historyPace.hurry();
    this.#loop.invalidate(ALL);
  }

  #listen(): void {
    listenToGestures(this.#plot, this.#camera, {
      onView: () => {
        this.#viewChanged();
      },
      onHover: (x, y) => {
        this.#probe.moveTo(x, y);
        this.#loop.invalidate(CURSOR);
      },
      onLeave: () => {
        this.#probe.leave();
        this.#loop.invalidate(CURSOR);
      },
    });
    listenToKeys({
      togglePlay: () => {
        this.#player.togglePlay();
      },
      step: (windows) => {
        this.#player.stepBy(windows);
      },
      toggleFollow: () => {
        this.#toggleFollow();
      },
      zoomPrice: (factor) => {
        this.#camera.zoomPriceAt(factor, this.#camera.height / 2);
        this.#viewChanged();
      },
      zoomTime: (factor) => {
        this.#camera.zoomTimeAt(factor, this.#camera.nowX);
        this.#viewChanged();
      },
      changeSpeed: (direction) => {
        this.#player.setSpeed(neighbouringSpeed(this.#player.clock.speed, direction));
      },
      resetView: () => {
        this.#camera.reset();
        this.#viewChanged();
      },
      restart: () => {
        this.#restart();
      },
      nextField: () => {
        const at = SHADES.indexOf(this.#scene.shade);
        this.#showField(SHADES[(at + 1) % SHADES.length]!.field);
      },
      toggleLayer: (number) => {
        const layer = LAYERS[number - 1];
        if (layer !== undefined) this.#toggleLayer(layer.name);
      },
      toEnd: (end) => {
        this.#player.seekTo(end === "start" ? 0 : Number.MAX_SAFE_INTEGER);
      },
    });
    new ResizeObserver(() => {
      this.#resize();
    }).observe(this.#stage);
  }

  #resize(): void {
    const ratio = Math.max(1, window.devicePixelRatio);
    const width = Math.max(1, this.#stage.clientWidth - PRICE_AXIS_PX);
    const height = Math.max(1, this.#stage.clientHeight - TIME_AXIS_PX);
    this.#camera.resize(width, height);
    this.#plot.style.width = `${width}px`;
    this.#plot.style.height = `${height}px`;
    this.#renderer.resize(width, height, ratio);
    this.#axes.overlay.resize(this.#stage.clientWidth, this.#stage.clientHeight, ratio);
    this.#probe.overlay.resize(this.#stage.clientWidth, this.#stage.clientHeight, ratio);
    this.#scrubber.resize(ratio);
    // A resized canvas is blank until it is drawn, and the browser paints before the next frame.
    this.#drawAll();
  }

  #advance(seconds: number): boolean {
    const moved = this.#player.clock.advance(seconds);
    const glided = this.#follow(seconds);
    return moved || glided;
  }

  #follow(seconds: number): boolean {
    const { clock, ring } = this.#player;
    if (Number.isNaN(clock.position)) return false;
    this.#camera.now = clock.position;
    this.#scene.window = clock.window;
    if (ring === null || !ring.has(clock.window)) return false;
    const row = ring.row(clock.window);
    const spot = ring.spot[row]!;
    if (Number.isNaN(spot)) return false;
    if (!Number.isNaN(this.#spot) && spot !== this.#spot) this.#rising = spot > this.#spot;
    this.#spot = spot;
    // While paused only another window moves the view: a zoom stays where it was aimed.
    if (clock.playing || clock.window !== this.#followedWindow) this.#gliding = true;
    this.#followedWindow = clock.window;
    const fresh = Number.isNaN(this.#camera.centerTick);
    if (this.#gliding || fresh) this.#gliding = this.#camera.followSpot(spot, seconds);
    return this.#gliding;
  }

  #drawAll(): void {
    this.#renderer.draw(this.#scene);
    this.#axes.draw(this.#camera, this.#spot, this.#rising);
    this.#scrubber.draw(this.#player.clock.position);
    this.#drawCursor();
  }

  #drawCursor(): void {
    this.#probe.draw(this.#camera, this.#session, this.#player.ring, this.#wall, this.#scene.shade);
  }

  #fillHistory(): void {
    this.#player.fillHistory(Math.floor(this.#camera.timeAt(0)), this.#player.clock.window);
  }

  #showFigures(): void {
    if (this.#session === null || this.#wall === null) return;
    this.#readouts.showWindow(this.#player, this.#session, this.#wall);
  }

  #showHealth(): void {
    this.#readouts.showHealth(this.#player, this.#loop.frameMs);
    this.#scrubber.announce();
  }

  #updateRange(): void {
    const ring = this.#player.ring;
    if (ring === null) return;
    const { shade } = this.#scene;
    const camera = this.#camera;
    const visible = this.#visible;
    visible.firstWindow = Math.floor(camera.timeAt(0)) + 1;
    visible.lastWindow = Math.min(this.#scene.window, Math.ceil(camera.timeAt(camera.width)));
    visible.lowTick = camera.tickAt(camera.height);
    visible.highTick = camera.tickAt(0);
    const field = FIELDS.indexOf(shade.field);
    if (!measureCutOffs(ring, field, shade.baseline, visible, this.#cutOffs)) return;
    this.#scene.rangeLow = shade.fromQuietest ? this.#cutOffs.low : 0;
    this.#scene.rangeHigh = Math.max(this.#scene.rangeLow + shade.leastRange, this.#cutOffs.high);
    this.#legend.showRange(shade, this.#scene.rangeLow, this.#scene.rangeHigh);
    this.#loop.redraw();
  }

  #writeAddress(): void {
    const session = this.#session;
    const wall = this.#wall;
    if (session === null || wall === null) return;
    const { clock, playing, state } = this.#player;
    const query = formatAddress({
      symbol: session.symbol,
      dt: session.dt,
      time: wall.label(epochSecond(session, Math.max(0, clock.window))),
      speed: clock.speed,
      field: this.#scene.shade === SHADES[0] ? null : this.#scene.shade.field,
      paused: !playing && state !== "ended",
    });
    if (query !== window.location.search) window.history.replaceState(null, "", query);
  }
}

/** The window that ends at a wall-clock time of the session, null when none does. */
function indexOfTime(session: SessionInfo, wall: WallClock, time: string): number | null {
  const opening = wall.label(epochSecond(session, 0));
  const day = 24 * 3600;
  const index = (secondOfDay(time) - secondOfDay(opening) + day) % day;
  return index < session.windows && wall.label(epochSecond(session, index)) === time ? index : null;
}

function secondOfDay(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number);
  return (hours * 60 + minutes) * 60 + seconds;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function explain(error: unknown): void {
  new Notices().fault(messageOf(error));
}

try {
  new PlayerPage().start().catch(explain);
} catch (error) {
  explain(error);
}
