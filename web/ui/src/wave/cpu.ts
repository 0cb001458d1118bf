/** The wave on the processor, in a worker, drawn on a 2-D canvas: for machines without WebGL 2. */

import { PALETTE_WIDTH, paletteBytes } from "../view/palette";
import { type Reading, type ValueRange, type ViewName, type WaveEngine, isChannel } from "./engine";
import { DOMAIN_HEIGHT, DOMAIN_WIDTH, type Grid, gridOf, mediumOf } from "./medium";
import { INITIAL, type Parameters, type Shape } from "./parameters";
import { type Statistics, stepOf } from "./solver";
import { MAP_COLUMNS, MAP_ROWS, channelMap } from "./tensor";
import type { WaveRequest, WaveSnapshot } from "./wave.worker";

const GROUND = [4, 6, 11] as const;

export class CpuWave implements WaveEngine {
  readonly processor = "processor";
  readonly grid: Grid;
  onNews: () => void = () => undefined;
  /** Called when the worker cannot go on. */
  onFault: (message: string) => void = () => undefined;

  readonly #worker: Worker;
  readonly #context: CanvasRenderingContext2D;
  readonly #canvas: HTMLCanvasElement;
  readonly #small = document.createElement("canvas");
  readonly #palettes = { wave: paletteBytes("tide"), other: paletteBytes("glow") };
  #snapshot: WaveSnapshot | null = null;
  #parameters: Parameters = INITIAL;
  #shape: Shape = "ellipse";
  #step: number;
  #waiting = 0;

  constructor(canvas: HTMLCanvasElement, columns: number) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser offers no 2-D canvas");
    this.#canvas = canvas;
    this.#context = context;
    this.grid = gridOf(columns);
    this.#step = stepOf(mediumOf(INITIAL, "ellipse", this.grid));
    this.#worker = new Worker(new URL("./wave.worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = (event: MessageEvent<WaveSnapshot>) => {
      this.#waiting -= 1;
      this.#snapshot = event.data;
      this.onNews();
    };
    this.#worker.onerror = (event) => {
      this.onFault(`the solver stopped: ${event.message || "its script could not be loaded"}`);
    };
    this.#post({ type: "start", columns });
  }

  get step(): number {
    return this.#step;
  }

  get time(): number {
    return this.#snapshot?.statistics.time ?? 0;
  }

  get ready(): boolean {
    return this.#waiting === 0;
  }

  setParameters(parameters: Parameters, shape: Shape): void {
    this.#parameters = parameters;
    this.#shape = shape;
    this.#step = stepOf(mediumOf(parameters, shape, this.grid));
    this.#post({ type: "parameters", parameters, shape });
  }

  restart(): void {
    this.#waiting += 1;
    this.#post({ type: "restart" });
  }

  advance(steps: number): void {
    if (steps <= 0) return;
    this.#waiting += 1;
    this.#post({ type: "advance", steps });
  }

  resize(width: number, height: number): void {
    this.#canvas.width = width;
    this.#canvas.height = height;
  }

  draw(view: ViewName, range: ValueRange): void {
    const { columns, visibleRows } = this.grid;
    if (isChannel(view)) {
      const map = channelMap(view, this.#parameters, this.#shape);
      this.#paint(map, MAP_COLUMNS, MAP_ROWS, range, this.#palettes.other);
    } else if (this.#snapshot !== null) {
      const { displacement, intensity } = this.#snapshot;
      if (view === "wave") this.#paint(displacement, columns, visibleRows, range, this.#palettes.wave);
      else this.#paint(intensity, columns, visibleRows, range, this.#palettes.other);
    }
  }

  statistics(): Statistics {
    return this.#snapshot?.statistics ?? { time: 0, largest: 0, kinetic: 0, potential: 0 };
  }

  read(x: number, y: number): Reading {
    const { columns, visibleRows } = this.grid;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((x / DOMAIN_WIDTH) * columns)));
    const row = Math.min(visibleRows - 1, Math.max(0, Math.floor((y / DOMAIN_HEIGHT) * visibleRows)));
    const at = row * columns + column;
    return {
      displacement: this.#snapshot?.displacement[at] ?? 0,
      intensity: this.#snapshot?.intensity[at] ?? 0,
    };
  }

  #paint(
    values: Float32Array,
    columns: number,
    rows: number,
    { low, high }: ValueRange,
    palette: Uint8Array,
  ): void {
    this.#small.width = columns;
    this.#small.height = rows;
    const context = this.#small.getContext("2d");
    if (context === null) return;
    const image = context.createImageData(columns, rows);
    const { data } = image;
    const scale = (PALETTE_WIDTH - 1) / (high - low);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = values[(rows - 1 - row) * columns + column]!;
        const from = 4 * Math.round(Math.min(PALETTE_WIDTH - 1, Math.max(0, (value - low) * scale)));
        const alpha = palette[from + 3]! / 255;
        const to = 4 * (row * columns + column);
        for (let c = 0; c < 3; c++) data[to + c] = GROUND[c]! + (palette[from + c]! - GROUND[c]!) * alpha;
        data[to + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
    this.#context.imageSmoothingEnabled = true;
    this.#context.drawImage(this.#small, 0, 0, this.#canvas.width, this.#canvas.height);
  }

  #post(request: WaveRequest): void {
    this.#worker.postMessage(request);
  }
}
