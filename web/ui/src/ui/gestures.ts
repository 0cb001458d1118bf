/** Wheel, drag, pinch and double click on the plot. */

import type { Camera } from "../view/camera";

const WHEEL_RATE = 0.0016;
/** A drag shorter than this is a click. */
const DRAG_PX = 4;
const LINE_PX = 16;

export interface GestureEvents {
  onView: () => void;
  onHover: (x: number, y: number) => void;
  onLeave: () => void;
}

interface Point {
  x: number;
  y: number;
}

export function listenToGestures(
  plot: HTMLCanvasElement,
  camera: Camera,
  events: GestureEvents,
): void {
  const pointers = new Map<number, Point>();
  let travelled = 0;

  plot.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
      const dx = event.deltaX * scale;
      const dy = event.deltaY * scale;
      if (event.ctrlKey || event.metaKey) {
        camera.zoomTimeAt(Math.exp(-dy * WHEEL_RATE), event.offsetX);
      } else if (Math.abs(dx) > Math.abs(dy)) {
        camera.zoomTimeAt(Math.exp(-dx * WHEEL_RATE), event.offsetX);
      } else {
        camera.zoomPriceAt(Math.exp(-dy * WHEEL_RATE), event.offsetY);
      }
      events.onView();
    },
    { passive: false },
  );

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plot.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    travelled = 0;
  });

  plot.addEventListener("pointermove", (event) => {
    events.onHover(event.offsetX, event.offsetY);
    const last = pointers.get(event.pointerId);
    if (last === undefined) return;
    const dx = event.offsetX - last.x;
    const dy = event.offsetY - last.y;
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other === undefined) {
      travelled += Math.abs(dx) + Math.abs(dy);
      if (travelled > DRAG_PX) {
        plot.classList.add("dragging");
        camera.follow = false;
        camera.panPixels(dx, dy);
      }
    } else {
      pinch(camera, other, last, { x: event.offsetX, y: event.offsetY });
    }
    last.x = event.offsetX;
    last.y = event.offsetY;
    events.onView();
  });

  const release = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
    plot.classList.remove("dragging");
  };
  plot.addEventListener("pointerup", release);
  plot.addEventListener("pointercancel", release);
  plot.addEventListener("pointerleave", () => {
    events.onLeave();
  });
  plot.addEventListener("dblclick", () => {
    camera.reset();
    events.onView();
  });
}

/** Two fingers zoom the axis along which they lie apart. */
function pinch(camera: Camera, still: Point, from: Point, to: Point): void {
  const apartX = Math.abs(from.x - still.x);
  const apartY = Math.abs(from.y - still.y);
  if (apartX > apartY) {
    camera.zoomTimeAt(Math.abs(to.x - still.x) / Math.max(1, apartX), (to.x + still.x) / 2);
  } else {
    camera.zoomPriceAt(Math.abs(to.y - still.y) / Math.max(1, apartY), (to.y + still.y) / 2);
  }
}
