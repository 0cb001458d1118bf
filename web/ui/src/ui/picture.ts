/** The picture as a PNG: plot, axes, legend, what it shows and when. */

import type { WallClock } from "../view/scales";
import { type SessionInfo, epochSecond } from "../wire/session";
import type { Legend } from "./legend";

interface Caption {
  readonly title: string;
  readonly time: string;
  readonly surface: string;
  readonly low: string;
  readonly middle: string;
  readonly high: string;
}

const HEAD_PX = 44;
const SANS = '"Inter", "Segoe UI", system-ui, sans-serif';

/** Save what the layers show at a window, of the surface in words; rejects when the browser cannot write it. */
export async function savePicture(
  layers: readonly HTMLCanvasElement[],
  legend: Legend,
  surface: string,
  session: SessionInfo,
  wall: WallClock,
  window: number,
): Promise<void> {
  const time = wall.label(epochSecond(session, Math.max(0, window)));
  const [low, middle, high] = legend.words;
  const caption = {
    title: `${session.symbol} · ${session.name}`,
    time: `${session.dt} ${time} ${session.timeZone}`,
    surface,
    low,
    middle,
    high,
  };
  const [first] = layers;
  const ratio = first === undefined ? 1 : first.width / Math.max(1, first.clientWidth);
  const blob = await composePng(layers, legend.canvas, caption, ratio);
  download(blob, `${session.symbol}_${session.dt}_${time.replaceAll(":", "")}.png`);
}


/**
 * Compose the layers, all as wide as the stage or from its left edge, under a head with the caption
 * and the colour scale. `ratio` is canvas pixels per CSS pixel.
 */
async function composePng(
  layers: readonly HTMLCanvasElement[],
  scale: HTMLCanvasElement,
  caption: Caption,
  ratio: number,
): Promise<Blob> {
  const width = Math.max(...layers.map((layer) => layer.width));
  const height = Math.max(...layers.map((layer) => layer.height));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height + HEAD_PX * ratio;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser offers no 2-D canvas");
  context.fillStyle = "#05070c";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const layer of layers) context.drawImage(layer, 0, HEAD_PX * ratio);
  context.scale(ratio, ratio);
  drawHead(context, scale, caption, width / ratio);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error("the picture could not be written"));
      else resolve(blob);
    }, "image/png");
  });
}

function drawHead(
  context: CanvasRenderingContext2D,
  scale: HTMLCanvasElement,
  caption: Caption,
  width: number,
): void {
  context.textBaseline = "middle";
  context.fillStyle = "#ffffff";
  context.font = `600 14px ${SANS}`;
  context.fillText(caption.title, 14, 15);
  context.fillStyle = "#93a3bd";
  context.font = `12px ${SANS}`;
  context.fillText(caption.time, 14, 32);
  const left = width - scale.width - 14;
  context.fillText(caption.surface, left, 10);
  context.drawImage(scale, left, 18);
  context.font = `10.5px ${SANS}`;
  context.fillText(caption.low, left, 37);
  context.textAlign = "center";
  context.fillText(caption.middle, left + scale.width / 2, 37);
  context.textAlign = "right";
  context.fillText(caption.high, left + scale.width, 37);
  context.textAlign = "left";
}

/** Hand a file to the person. */
function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read the file when the click is over, but not ended.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}
