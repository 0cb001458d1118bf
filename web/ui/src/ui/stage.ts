/** The stage: plot, axes, the book's columns and crosshair, sized and drawn together. */

import { Renderer } from "../gl/renderer";
import type { Scene } from "../gl/scene";
import type { SessionRing } from "../store/ring";
import type { WallClock } from "../view/scales";
import type { SessionInfo } from "../wire/session";
import { Axes, PRICE_AXIS_PX, TIME_AXIS_PX } from "./axes";
import { COLUMNS_PX, Columns } from "./columns";
import { byId } from "./dom";
import type { Follower } from "./follower";
import type { Legend } from "./legend";
import { savePicture } from "./picture";
import { Probe } from "./probe";

/** Narrower stages have no room for the columns of the book. */
const LEAST_STAGE_PX = 700;

export class Stage {
  readonly element = byId("stage", HTMLElement);
  readonly plot = byId("plot", HTMLCanvasElement);
  readonly renderer = new Renderer(this.plot);
  readonly probe = new Probe(byId("cursor", HTMLCanvasElement));
  readonly #axesCanvas = byId("axes", HTMLCanvasElement);
  readonly #axes = new Axes(this.#axesCanvas);
  readonly #columns = new Columns();
  readonly #scene: Scene;
  readonly #follower: Follower;
  #session: SessionInfo | null = null;
  #wall: WallClock | null = null;
  #ring: SessionRing | null = null;

  constructor(scene: Scene, follower: Follower) {
    this.#scene = scene;
    this.#follower = follower;
  }

  show(session: SessionInfo, wall: WallClock, ring: SessionRing | null): void {
    this.#session = session;
    this.#wall = wall;
    this.#ring = ring;
    this.renderer.show(ring, session.strikeStep);
    this.#axes.show(session, wall);
  }

  /** Fit everything to the element's size. */
  resize(): void {
    const { camera, layers } = this.#scene;
    const { clientWidth, clientHeight } = this.element;
    const ratio = Math.max(1, window.devicePixelRatio);
    const wide = layers.depth.shown && clientWidth >= LEAST_STAGE_PX;
    camera.gutter = wide ? COLUMNS_PX : 0;
    this.element.style.setProperty("--gutter", `${camera.gutter}px`);
    const width = Math.max(1, clientWidth - PRICE_AXIS_PX - camera.gutter);
    const height = Math.max(1, clientHeight - TIME_AXIS_PX);
    camera.resize(width, height);
    this.plot.style.width = `${width}px`;
    this.plot.style.height = `${height}px`;
    this.renderer.resize(width, height, ratio);
    this.#axes.overlay.resize(clientWidth, clientHeight, ratio);
    this.probe.overlay.resize(clientWidth, clientHeight, ratio);
  }

  drawAll(): void {
    this.renderer.draw(this.#scene);
    this.drawAxes();
  }

  /** Draw the axes, the columns and the crosshair; the plot stays as it is. */
  drawAxes(): void {
    const { camera, layers, colours, window } = this.#scene;
    const { spot, rising } = this.#follower;
    const { quality, options } = layers;
    const marks = quality.shown ? quality.opacity : 0;
    this.#axes.draw(camera, spot, rising, marks, options.shown ? options.opacity : 0);
    if (camera.gutter > 0) {
      const { context } = this.#axes.overlay;
      this.#columns.draw(context, camera, this.#ring, window, colours.palette, layers.depth.opacity);
    }
    this.drawCursor();
  }

  drawCursor(): void {
    const { camera, shade } = this.#scene;
    this.probe.draw(camera, this.#session, this.#ring, this.#wall, shade);
  }

  /** Save what is drawn as a PNG under its caption; rejects when the browser cannot. */
  async save(legend: Legend): Promise<void> {
    if (this.#session === null || this.#wall === null) return;
    // The plot's own buffer is gone once the browser has shown it: draw and copy in one go.
    this.drawAll();
    const { shade, window } = this.#scene;
    const layers = [this.plot, this.#axesCanvas];
    const map = (this.#ring?.cellTicks ?? 1) > 1 ? ", wide map" : "";
    const surface = `${shade.label}${map} (${shade.unit})`;
    await savePicture(layers, legend, surface, this.#session, this.#wall, window);
  }
}
