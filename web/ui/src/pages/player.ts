/** The session player: joins model, renderer and controls. */

import type { Scene } from "../gl/scene";
import { Looper } from "../store/looper";
import { completeTime, indexOfTime } from "../store/moments";
import { emptyScore, scoreForecasts } from "../store/outcome";
import { Paced } from "../store/paced";
import { Player } from "../store/player";
import { neighbouringSpeed } from "../store/speeds";
import { formatAddress, isTime, parseAddress } from "../store/url";
import { Controls } from "../ui/controls";
import { byId } from "../ui/dom";
import { Follower } from "../ui/follower";
import { ForecastPanel } from "../ui/forecast_panel";
import { ALL, AXES, CURSOR, FrameLoop } from "../ui/frame_loop";
import { listenToGestures } from "../ui/gestures";
import { listenToKeys } from "../ui/keyboard";
import { Notices } from "../ui/notices";
import { Readouts } from "../ui/readouts";
import { Scrubber } from "../ui/scrubber";
import { Shading } from "../ui/shading";
import { Stage } from "../ui/stage";
import { ViewPanel } from "../ui/view_panel";
import { Camera } from "../view/camera";
import { LAYERS, type LayerName } from "../view/layers";
import { WallClock, formatTicks } from "../view/scales";
import { shadeOf } from "../view/shades";
import { fetchSession, fetchSessions } from "../wire/api";
import { type Listing, type SessionInfo, cellsOf, epochSecond } from "../wire/session";
import { asTick } from "../wire/units";

/** Work that need not happen in every frame. */
const RANGE_INTERVAL_MS = 700;
const HISTORY_INTERVAL_MS = 120;
const ADDRESS_INTERVAL_MS = 1000;
const READOUT_INTERVAL_MS = 60;
const HEALTH_INTERVAL_MS = 500;
const RETRY_SESSIONS_MS = 1500;
/** Forecasts are judged over so many seconds before NOW, as far as they are held. */
const JUDGED_WINDOWS = 1200;
const NARROW_PX = 760;
const CONTEXT_LOST = "The graphics card dropped the picture; it comes back as soon as the card does.";

class PlayerPage {
  readonly #address = parseAddress(window.location.search);
  readonly #camera = new Camera();
  readonly #layers = this.#address.layers;
  readonly #notices = new Notices();
  readonly #readouts = new Readouts();
  readonly #forecast = new ForecastPanel();
  readonly #score = emptyScore();
  readonly #scene: Scene;
  readonly #stage: Stage;
  readonly #player: Player;
  readonly #controls: Controls;
  readonly #scrubber: Scrubber;
  readonly #shading: Shading;
  readonly #follower: Follower;
  readonly #looper: Looper;
  readonly #panel: ViewPanel;
  #listing: Listing = { sessions: [], verdicts: new Map() };
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
  readonly #figuresPace = new Paced(READOUT_INTERVAL_MS, () => {
    this.#showFigures();
  });
  readonly #loop: FrameLoop;
  #opening = 0;
  /** The session that was asked for last, whether or not it could be opened. */
  #asked: Pick<SessionInfo, "symbol" | "dt"> | null = null;

  constructor() {
    this.#scene = {
      camera: this.#camera,
      layers: this.#layers,
      colours: this.#address.colours,
      shade: shadeOf(this.#address.field),
      rangeLow: 0,
      rangeHigh: 1,
      optionsLow: 0,
      optionsHigh: 1,
      usualTrade: 40,
      pastHorizon: this.#address.pastHorizon,
      window: -1,
    };
    this.#shading = new Shading(this.#scene);
    this.#follower = new Follower(this.#scene);
    this.#stage = new Stage(this.#scene, this.#follower);
    this.#loop = new FrameLoop(
      {
        advance: (seconds) => this.#advance(seconds),
        isRunning: () => this.#player.clock.playing,
        isReady: () => this.#player.ring !== null && !Number.isNaN(this.#player.clock.position),
        drawAll: () => { this.#drawAll(); },
        drawAxes: () => { this.#stage.drawAxes(); },
        drawCursor: () => { this.#stage.drawCursor(); },
      },
      [
        this.#figuresPace,
        this.#historyPace,
        this.#rangePace,
        this.#addressPace,
        new Paced(HEALTH_INTERVAL_MS, () => {
          this.#showHealth();
        }),
      ],
    );
    this.#player = new Player({
      onChange: () => { this.#showState(); },
      onData: () => { this.#loop.invalidate(ALL); },
      onFault: (message) => { this.#notices.fault(message); },
      describe: fetchSession,
    });
    this.#looper = new Looper(this.#player, (loop) => {
      this.#controls.showLoop(loop);
      this.#scrubber.showLoop(loop);
      this.#addressPace.hurry();
      this.#loop.invalidate(ALL);
    });
    this.#player.clock.stepwise = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#player.clock.speed = this.#address.speed;
    this.#player.map = this.#address.map;
    this.#controls = new Controls({
      onRestart: () => { this.#restart(); },
      onTogglePlay: () => { this.#player.togglePlay(); },
      onStep: (windows) => { this.#player.stepBy(windows); },
      onSpeed: (speed) => { this.#player.setSpeed(speed); },
      onFollow: () => { this.#toggleFollow(); },
      onField: (field) => { this.#showField(field); },
      onMap: () => { this.#toggleMap(); },
      onLoop: () => { this.#looper.press(); },
      onJump: (text) => { this.#jump(text); },
      onExport: () => { void this.#export(); },
      onSession: (symbol, dt) => {
        this.#looper.set(null);
        void this.#open(symbol, dt, null, true);
      },
    });
    this.#panel = new ViewPanel({
      onLayer: (layer) => { this.#toggleLayer(layer); },
      onOpacity: (layer, opacity) => {
        this.#layers[layer].opacity = opacity;
        if (layer === "quality" || layer === "depth") {
          this.#addressPace.hurry();
          this.#loop.invalidate(AXES);
        } else this.#viewChanged();
      },
      onColours: (colours) => {
        this.#shading.showColours(colours);
        this.#panel.showColours(colours, this.#scene.shade);
        this.#rangePace.hurry();
        this.#viewChanged();
      },
      onHorizon: (seconds) => {
        this.#scene.pastHorizon = seconds;
        this.#rangePace.hurry();
        this.#viewChanged();
      },
    });
    this.#scrubber = new Scrubber((index) => { this.#player.seekTo(index); });
    this.#stage.renderer.onLost = () => { this.#notices.fault(CONTEXT_LOST); };
    this.#stage.renderer.onRestored = () => {
      this.#notices.takeBack(CONTEXT_LOST);
      this.#loop.invalidate(ALL);
    };
  }

  async start(): Promise<void> {
    this.#listen();
    // Where there is little room the picture comes first; one tap opens the figures.
    for (const id of ["forecast-panel", "record-panel"]) {
      byId(id, HTMLDetailsElement).open = window.innerWidth > NARROW_PX;
    }
    this.#resize();
    this.#showField(this.#scene.shade.field);
    this.#showLayers();
    this.#panel.showHorizon(this.#scene.pastHorizon);
    this.#controls.showFollow(this.#camera.follow);
    this.#showState();
    this.#listing = await this.#awaitSessions();
    const { sessions } = this.#listing;
    this.#controls.showSessions(sessions);
    const { symbol, dt, time, paused } = this.#address;
    const entry =
      sessions.find((s) => s.symbol === symbol && (dt === null || s.dt === dt)) ??
      (symbol === null ? sessions.find((s) => dt === null || s.dt === dt) : undefined);
    // What is not listed is still asked for: it may be a root, whose contract the service knows.
    const day = dt ?? sessions.find((s) => s.root === symbol)?.dt;
    const wanted = entry ?? (symbol !== null && day !== undefined ? { symbol, dt: day } : undefined);
    if (wanted === undefined) this.#notices.fault(`No session of ${symbol ?? dt ?? ""} is published.`);
    else await this.#open(wanted.symbol, wanted.dt, time, !paused);
    this.#camera.view = this.#address.view;
    if (this.#session !== null && this.#wall !== null) {
      this.#looper.setTimes(this.#address.loop, this.#session, this.#wall);
    }
    this.#viewChanged();
  }

  /** Wait for the service and for its first session; both may come after the page. */
  async #awaitSessions(): Promise<Listing> {
    for (;;) {
      try {
        const listing = await fetchSessions();
        this.#notices.fault(null);
        if (listing.sessions.length > 0) {
          this.#notices.empty(null);
          return listing;
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
    this.#asked = { symbol, dt };
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
    if (this.#asked === null) return;
    this.#camera.reset();
    this.#controls.showFollow(true);
    this.#looper.set(null);
    this.#player.close();
    void this.#open(this.#asked.symbol, this.#asked.dt, null, true);
  }

  #clearPicture(): void {
    this.#camera.centerTick = NaN;
    this.#scene.window = -1;
    this.#follower.clear();
    this.#rangePace.hurry();
  }

  #show(session: SessionInfo, wall: WallClock): void {
    this.#session = session;
    this.#wall = wall;
    const { map, ring } = this.#player;
    this.#camera.cellTicks = cellsOf(session, map).ticks;
    this.#controls.showMap(map, wideCell(session));
    this.#stage.show(session, wall, ring);
    this.#scrubber.show(session, wall);
    this.#readouts.showSession(session);
    this.#forecast.showSession(session, this.#listing.verdicts.get(session.root) ?? null);
    this.#controls.showSession(session.symbol, session.dt);
    this.#showLayers();
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
    for (const pace of [this.#addressPace, this.#figuresPace, this.#historyPace]) pace.hurry();
    this.#loop.touch();
  }

  #showField(field: string): void {
    this.#shading.showField(field);
    this.#controls.showField(this.#scene.shade.field);
    this.#panel.showColours(this.#scene.colours, this.#scene.shade);
    this.#rangePace.hurry();
    this.#addressPace.hurry();
    this.#loop.invalidate(ALL);
  }

  #toggleMap(): void {
    const session = this.#session;
    if (session === null || this.#wall === null || session.maps.wide === null) return;
    this.#player.showMap(this.#player.map === "fine" ? "wide" : "fine");
    this.#show(session, this.#wall);
    this.#rangePace.hurry();
    this.#viewChanged();
  }

  #toggleLayer(layer: LayerName): void {
    this.#layers[layer].shown = !this.#layers[layer].shown;
    this.#showLayers();
    if (layer === "depth") this.#resize();
    this.#viewChanged();
  }

  #showLayers(): void {
    const missing = new Set<LayerName>();
    for (const surface of ["velocity", "options", "forecast"] as const) {
      if (this.#session?.surfaces.includes(surface) === false) missing.add(surface);
    }
    this.#panel.showLayers(this.#layers, missing);
    this.#scrubber.showMarks(this.#layers.quality.shown);
  }

  #jump(text: string): void {
    const session = this.#session;
    const wall = this.#wall;
    if (session === null || wall === null) return;
    const time = completeTime(text);
    const index = isTime(time) ? indexOfTime(session, wall, time) : null;
    if (index === null) this.#notices.fault(`"${text}" is no second of the session (HH:MM:SS).`);
    else {
      this.#notices.fault(null);
      this.#player.seekTo(index);
    }
  }

  async #export(): Promise<void> {
    try {
      await this.#stage.save(this.#shading.legend);
    } catch (error) {
      this.#notices.fault(`The picture cannot be saved: ${messageOf(error)}.`);
    }
  }

  #toggleFollow(): void {
    this.#camera.follow = !this.#camera.follow;
    this.#viewChanged();
    this.#follower.release(this.#camera.follow);
  }

  #viewChanged(): void {
    this.#controls.showFollow(this.#camera.follow);
    this.#follower.release(false);
    this.#historyPace.hurry();
    this.#addressPace.hurry();
    this.#loop.invalidate(ALL);
  }

  #listen(): void {
    listenToGestures(this.#stage.plot, this.#camera, {
      onView: () => { this.#viewChanged(); },
      onHover: (x, y) => {
        this.#stage.probe.moveTo(x, y);
        this.#loop.invalidate(CURSOR);
      },
      onLeave: () => {
        this.#stage.probe.leave();
        this.#loop.invalidate(CURSOR);
      },
    });
    listenToKeys({
      togglePlay: () => { this.#player.togglePlay(); },
      step: (windows) => { this.#player.stepBy(windows); },
      toggleFollow: () => { this.#toggleFollow(); },
      zoomPrice: (factor) => {
        this.#camera.zoomPriceAt(factor, this.#camera.height / 2);
        this.#viewChanged();
      },
      zoomTime: (factor) => {
        this.#camera.zoomTimeAt(factor, this.#camera.nowX);
        this.#viewChanged();
      },
      pan: (right, up) => {
        if (up !== 0) this.#camera.follow = false;
        this.#camera.panPixels(-right * this.#camera.width, up * this.#camera.height);
        this.#viewChanged();
      },
      toggleCrosshair: () => {
        // In the middle of the newest column, where there are values.
        const x = this.#camera.nowX - this.#camera.pxPerSecond / 2;
        const y = this.#camera.yOf(this.#follower.spot);
        // A view that was just reset puts spot into the middle with its next frame.
        this.#stage.probe.toggleKeys(x, Number.isNaN(y) ? this.#camera.height / 2 : y);
        this.#loop.invalidate(CURSOR);
      },
      moveCrosshair: (seconds, cells) => {
        this.#loop.invalidate(CURSOR);
        return this.#stage.probe.nudge(this.#camera, seconds, cells);
      },
      changeSpeed: (direction) => {
        this.#player.setSpeed(neighbouringSpeed(this.#player.clock.speed, direction));
      },
      resetView: () => {
        this.#camera.reset();
        this.#viewChanged();
      },
      restart: () => { this.#restart(); },
      toggleMap: () => { this.#toggleMap(); },
      nextField: () => { this.#showField(this.#shading.nextField); },
      toggleLayer: (number) => {
        const layer = LAYERS[number - 1];
        if (layer !== undefined) this.#toggleLayer(layer.name);
      },
      openView: () => { this.#panel.toggle(); },
      toggleLoop: () => { this.#looper.press(); },
      jump: () => { this.#controls.focusJump(); },
      exportPicture: () => { void this.#export(); },
      toEnd: (end) => { this.#player.seekTo(end === "start" ? 0 : Number.MAX_SAFE_INTEGER); },
    });
    document.addEventListener("visibilitychange", () => {
      // No frame was drawn while the tab was hidden, but windows went on arriving.
      if (document.visibilityState === "visible") this.#player.clock.catchUp();
      this.#loop.invalidate(ALL);
    });
    new ResizeObserver(() => {
      this.#resize();
    }).observe(this.#stage.element);
  }

  #resize(): void {
    this.#stage.resize();
    this.#scrubber.resize(Math.max(1, window.devicePixelRatio));
    // A resized canvas is blank until it is drawn, and the browser paints before the next frame.
    this.#drawAll();
  }

  #advance(seconds: number): boolean {
    const { clock } = this.#player;
    const before = this.#camera.now;
    clock.advance(seconds);
    this.#looper.watch();
    // Where motion is unwelcome the view is at spot at once, without a glide.
    const glided = this.#follower.advance(this.#player, clock.stepwise ? 1 : seconds);
    return glided || this.#camera.now !== before;
  }

  #drawAll(): void {
    this.#stage.drawAll();
    this.#scrubber.draw(this.#player.clock.position);
  }

  #fillHistory(): void {
    this.#player.fillHistory(Math.floor(this.#camera.timeAt(0)), this.#player.clock.window);
  }

  #showFigures(): void {
    const session = this.#session;
    const { ring, clock } = this.#player;
    const index = clock.window;
    if (session === null || this.#wall === null || ring === null || Number.isNaN(index)) return;
    if (!ring.has(index)) return;
    this.#readouts.showWindow(ring.spot[ring.row(index)]!, index, session, this.#wall);
    this.#forecast.showWindow(ring, index, session);
  }

  #showHealth(): void {
    this.#readouts.showHealth(this.#player, this.#loop.frameMs);
    this.#scrubber.announce();
  }

  #updateRange(): void {
    const ring = this.#player.ring;
    if (ring === null) return;
    const measured = this.#shading.measure(ring);
    const { pastHorizon, window } = this.#scene;
    scoreForecasts(ring, window - JUDGED_WINDOWS, window, pastHorizon, window, this.#score);
    this.#forecast.showScore(pastHorizon, JUDGED_WINDOWS, this.#score);
    if (measured) this.#loop.redraw();
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
      field: this.#shading.field,
      map: session.maps.wide === null ? "fine" : this.#player.map,
      paused: !playing && state !== "ended",
      loop: this.#looper.times(session, wall),
      view: this.#camera.view,
      layers: this.#layers,
      colours: this.#scene.colours,
      pastHorizon: this.#scene.pastHorizon,
    });
    if (query !== window.location.search) window.history.replaceState(null, "", query);
  }
}

/** Height of the wide map's cells in dollars; null without such a map. */
function wideCell({ maps, tickInt, decimals }: SessionInfo): string | null {
  return maps.wide === null ? null : `$${formatTicks(asTick(maps.wide.ticks), tickInt, decimals)}`;
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
