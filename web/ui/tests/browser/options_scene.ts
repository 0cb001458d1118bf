/** Runs in a blank page: the renderer over a ring that holds options and nothing else to be seen. */

import { Renderer } from "../../src/gl/renderer";
import { SessionRing } from "../../src/store/ring";
import { Camera } from "../../src/view/camera";
import { firstColours } from "../../src/view/colours";
import { firstLayers } from "../../src/view/layers";
import { shadeOf } from "../../src/view/shades";
import { OPTION_FIELDS } from "../../src/wire/fields";

export interface Scene {
  /** Brightness at the strike whose field is set, beside it, at an empty strike, past NOW. */
  lit: number;
  between: number;
  empty: number;
  future: number;
  /** The lit strike while its layer is off. */
  off: number;
}

const WINDOWS = 40;
const SPOT = 24_103;
const STEP = 20;
const STRIKES = 21;
/** Two strikes above the one nearest to spot, 24 100. */
const LIT_STRIKE = 24_140;

function draw(): Scene {
  const ring = new SessionRing(5, STRIKES, 64);
  const index = Int32Array.from({ length: WINDOWS }, (_, i) => i);
  const constant = (value: number): Float64Array => new Float64Array(WINDOWS).fill(value);
  ring.put({
    surface: "snap",
    index,
    mid: constant(SPOT),
    spot: constant(SPOT),
    bid: constant(NaN),
    ask: constant(NaN),
    valid: new Uint8Array(WINDOWS).fill(1),
    buyQty: constant(0),
    sellQty: constant(0),
  });
  const omega = new Float32Array(WINDOWS * STRIKES);
  for (let i = 0; i < WINDOWS; i++) omega[i * STRIKES + (STRIKES - 1) / 2 + 2] = 3;
  ring.put({
    surface: "options",
    index,
    firstStrike: constant(24_100 - (STEP * (STRIKES - 1)) / 2),
    fields: OPTION_FIELDS.map((name) => (name === "Omega" ? omega : new Float32Array(omega.length))),
  });
  const canvas = document.createElement("canvas");
  const renderer = new Renderer(canvas);
  const camera = new Camera();
  camera.resize(400, 400);
  camera.zoomY = 0.5;
  camera.now = WINDOWS - 1;
  camera.centerTick = SPOT;
  renderer.resize(400, 400, 1);
  renderer.show(ring, STEP);
  const layers = firstLayers();
  layers.spot.shown = false;
  const scene = {
    camera,
    layers,
    colours: firstColours(),
    shade: shadeOf("Omega"),
    rangeLow: 0,
    rangeHigh: 1,
    optionsHigh: 3,
    pastHorizon: 10,
    window: WINDOWS - 1,
  };
  const look = (): ((x: number, tick: number) => number) => {
    renderer.draw(scene);
    const copy = document.createElement("canvas");
    copy.width = copy.height = 400;
    const context = copy.getContext("2d")!;
    context.drawImage(canvas, 0, 0);
    return (time, tick) => {
      const [red, green, blue] = context.getImageData(camera.xOf(time), camera.yOf(tick), 1, 1).data;
      return red! + green! + blue!;
    };
  };
  const shown = look();
  layers.options.shown = false;
  const hidden = look();
  return {
    lit: shown(20.5, LIT_STRIKE),
    between: shown(20.5, LIT_STRIKE + STEP / 2),
    empty: shown(20.5, LIT_STRIKE - STEP),
    future: shown(WINDOWS + 1.5, LIT_STRIKE),
    off: hidden(20.5, LIT_STRIKE),
  };
}

Object.assign(window, { draw });
