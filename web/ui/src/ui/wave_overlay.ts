/** What lies over the wave: rulers in units, the source, the object's outline, the crosshair. */

import { DOMAIN_HEIGHT, DOMAIN_WIDTH } from "../wave/medium";
import type { Parameters, Shape } from "../wave/parameters";
import { Overlay } from "./dom";

export const RULER_LEFT_PX = 38;
export const RULER_BELOW_PX = 26;

const FONT = '11px "JetBrains Mono", "SF Mono", ui-monospace, "DejaVu Sans Mono", Menlo, monospace';
const LABEL = "#93a3bd";
const OUTLINE = "rgba(255, 255, 255, 0.75)";
const CROSS = "rgba(219, 230, 245, 0.4)";
const SOURCE = "#7ee6ff";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export class WaveOverlay {
  readonly #overlay: Overlay;
  #width = 1;
  #height = 1;

  constructor(canvas: HTMLCanvasElement) {
    this.#overlay = new Overlay(canvas);
  }

  /** `width` and `height` of the field, CSS pixels. */
  resize(width: number, height: number, ratio: number): void {
    this.#width = width;
    this.#height = height;
    this.#overlay.resize(width + RULER_LEFT_PX, height + RULER_BELOW_PX, ratio);
  }

  draw(parameters: Parameters, shape: Shape, pointer: Point | null): void {
    const { context } = this.#overlay;
    this.#overlay.clear();
    context.save();
    context.translate(RULER_LEFT_PX, 0);
    this.#drawRulers(context);
    context.fillStyle = SOURCE;
    context.fillRect(-3, 0, 2, this.#height);
    context.beginPath();
    context.rect(0, 0, this.#width, this.#height);
    context.clip();
    this.#drawObject(context, parameters, shape);
    if (pointer !== null) {
      context.fillStyle = CROSS;
      context.fillRect(Math.round(this.#x(pointer.x)), 0, 1, this.#height);
      context.fillRect(0, Math.round(this.#y(pointer.y)), this.#width, 1);
    }
    context.restore();
  }

  #x(units: number): number {
    return (units / DOMAIN_WIDTH) * this.#width;
  }

  #y(units: number): number {
    return this.#height - (units / DOMAIN_HEIGHT) * this.#height;
  }

  #drawRulers(context: CanvasRenderingContext2D): void {
    context.font = FONT;
    context.fillStyle = LABEL;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let y = 0; y <= DOMAIN_HEIGHT; y += 2) {
      const at = Math.min(this.#height - 6, Math.max(6, this.#y(y)));
      context.fillText(String(y), -10, at);
    }
    context.textAlign = "center";
    for (let x = 0; x <= DOMAIN_WIDTH; x += 2) {
      context.fillRect(Math.min(this.#width - 1, this.#x(x)), this.#height, 1, 4);
      context.fillText(String(x), Math.min(this.#width - 8, Math.max(4, this.#x(x))), this.#height + 14);
    }
  }

  #drawObject(context: CanvasRenderingContext2D, parameters: Parameters, shape: Shape): void {
    const [x, y] = [this.#x(parameters.x), this.#y(parameters.y)];
    const [rx, ry] = [this.#x(parameters.width) / 2, ((parameters.height / DOMAIN_HEIGHT) * this.#height) / 2];
    context.beginPath();
    if (shape === "ellipse") context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
    else context.rect(x - rx, y - ry, 2 * rx, 2 * ry);
    context.strokeStyle = OUTLINE;
    context.lineWidth = 1.25;
    context.setLineDash([5, 4]);
    context.stroke();
    context.setLineDash([]);
  }
}
