/** The particle wave: joins solver, picture, sliders and address. */

import { GpuWave, isEmulated } from "../gl/wave";
import { Paced, keepUp } from "../store/paced";
import { COLUMNS, type Columns, type WaveAddress, formatWaveAddress, parseWaveAddress } from "../store/wave_url";
import { TextOut, byId } from "../ui/dom";
import { Notices } from "../ui/notices";
import { WaveKnobs, figure } from "../ui/wave_knobs";
import { type Point, RULER_BELOW_PX, RULER_LEFT_PX, WaveOverlay } from "../ui/wave_overlay";
import { PALETTE_WIDTH, paletteBytes } from "../view/palette";
import { CpuWave } from "../wave/cpu";
import { VIEWS, type ViewName, type WaveEngine } from "../wave/engine";
import { DOMAIN_HEIGHT, DOMAIN_WIDTH, distanceToObject, tensorAt } from "../wave/medium";
import {
  type ParameterName,
  type Parameters,
  SHAPES,
  type Shape,
  changeParameter,
} from "../wave/parameters";
import { PRESETS, type Preset } from "../wave/presets";
import { rangeOf } from "../wave/tensor";

const STATISTICS_INTERVAL_MS = 160;
const READING_INTERVAL_MS = 60;
const ADDRESS_INTERVAL_MS = 300;
/** Paced work that is due at once is spread over frames when it takes longer than this. */
const PACED_BUDGET_MS = 1;
/** A frame that comes late advances the wave by this at most: slow motion, never a jump. */
const LONGEST_FRAME_S = 1 / 30;
/** Steps a frame: begins low and grows while frames stay fast. */
const LEAST_STEPS = 4;
const MOST_STEPS = 240;
const FIRST_STEPS = 6;
const FAST_FRAME_MS = 19;
const SLOW_FRAME_MS = 30;
const GPU_COLUMNS: Columns = 800;
const CPU_COLUMNS: Columns = 400;
/** Distance from the object within which a pointer takes hold of it, units. */
const GRASP = 0.15;

class ParticleWavePage {
  readonly #address = parseWaveAddress(window.location.search);
  readonly #notices = new Notices();
  readonly #field = byId("field", HTMLCanvasElement);
  readonly #stage = byId("stage", HTMLElement);
  readonly #overlay = new WaveOverlay(byId("overlay", HTMLCanvasElement));
  readonly #reading = byId("reading", HTMLElement);
  readonly #play = byId("play", HTMLButtonElement);
  readonly #about = new TextOut("about");
  readonly #time = new TextOut("out-time");
  readonly #largest = new TextOut("out-largest");
  readonly #energy = new TextOut("out-energy");
  readonly #kinetic = new TextOut("out-kinetic");
  readonly #potential = new TextOut("out-potential");
  readonly #engineText = new TextOut("engine");
  readonly #scaleLow = new TextOut("scale-low");
  readonly #scaleHigh = new TextOut("scale-high");
  readonly #knobs: WaveKnobs;
  readonly #engine: WaveEngine;
  readonly #viewButtons = new Map<ViewName, HTMLButtonElement>();
  readonly #statisticsPace = new Paced(STATISTICS_INTERVAL_MS, () => {
    this.#showStatistics();
  });
  readonly #readingPace = new Paced(READING_INTERVAL_MS, () => {
    this.#showReading();
  });
  readonly #addressPace = new Paced(ADDRESS_INTERVAL_MS, () => {
    this.#writeAddress();
  });
  readonly #paced = [this.#statisticsPace, this.#readingPace, this.#addressPace];
  #values: Parameters = this.#address.values;
  #shape: Shape = this.#address.shape;
  #view: ViewName = this.#address.view;
  #playing = !this.#address.paused;
  #pointer: Point | null = null;
  #grasp: Point | null = null;
  #change = 0;
  #scheduled = false;
  #lastMs = NaN;
  #owed = 0;
  #mostSteps = FIRST_STEPS;
  /** Wave seconds a second of the clock, smoothed. */
  #pace = 1;

  constructor() {
    this.#engine = this.#createEngine();
    this.#engine.onNews = () => {
      this.#changed();
    };
    this.#knobs = new WaveKnobs((name, value) => {
      this.#turn(name, value);
    });
    this.#engine.setParameters(this.#values, this.#shape);
    this.#knobs.show(this.#values, []);
    this.#knobs.explain(this.#values, null, []);
    this.#makePresets();
    this.#makeViews();
    this.#makeSelects();
    this.#listen();
    this.#showView(this.#view);
    this.#showPlaying();
    this.#resize();
  }

  #createEngine(): WaveEngine {
    const { columns, solver } = this.#address;
    // A graphics card that is emulated on the processor is slower than the processor itself.
    if (solver === "gpu" || (solver === null && !isEmulated())) {
      try {
        return new GpuWave(this.#field, columns ?? GPU_COLUMNS);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#notices.fault(`The wave runs on the processor: ${reason}`);
      }
    }
    // A canvas that was asked for WebGL gives no 2-D context any more.
    const canvas = this.#field.getContext("2d") === null ? this.#replaceField() : this.#field;
    const engine = new CpuWave(canvas, columns ?? CPU_COLUMNS);
    engine.onFault = (message) => {
      this.#notices.fault(message);
    };
    return engine;
  }

  #replaceField(): HTMLCanvasElement {
    const canvas = this.#field.cloneNode() as HTMLCanvasElement;
    this.#field.style.visibility = "hidden";
    canvas.id = "field-2d";
    canvas.classList.add("overlay");
    this.#field.before(canvas);
    return canvas;
  }

  #makePresets(): void {
    const group = byId("presets", HTMLElement);
    for (const preset of PRESETS) {
      group.append(
        pill(preset.label, preset.about, () => {
          this.#apply(preset);
        }),
      );
    }
  }

  #makeViews(): void {
    const group = byId("views", HTMLElement);
    for (const { name, label } of VIEWS) {
      const button = pill(label, `Show the ${label.toLowerCase()}`, () => {
        this.#showView(name);
      });
      this.#viewButtons.set(name, button);
      group.append(button);
    }
  }

  #makeSelects(): void {
    const shape = byId("shape", HTMLSelectElement);
    for (const name of SHAPES) shape.add(new Option(name, name));
    shape.value = this.#shape;
    shape.addEventListener("change", () => {
      this.#shape = SHAPES.find((name) => name === shape.value) ?? "ellipse";
      this.#applied([]);
    });
    const columns = byId("columns", HTMLSelectElement);
    for (const count of COLUMNS) columns.add(new Option(`${count} × ${count / 2}`, String(count)));
    columns.value = String(this.#engine.grid.columns);
    columns.addEventListener("change", () => {
      const wanted = COLUMNS.find((count) => String(count) === columns.value) ?? null;
      window.location.search = formatWaveAddress({ ...this.#addressNow(), columns: wanted }) || "?";
    });
  }

  #listen(): void {
    this.#play.addEventListener("click", () => {
      this.#togglePlay();
    });
    byId("step", HTMLButtonElement).addEventListener("click", () => {
      this.#stepOnce();
    });
    byId("restart", HTMLButtonElement).addEventListener("click", () => {
      this.#restart();
    });
    byId("reset", HTMLButtonElement).addEventListener("click", () => {
      this.#apply(PRESETS[0]!);
      this.#about.set("");
    });
    document.addEventListener("keydown", (event) => {
      this.#key(event);
    });
    const stage = this.#stage;
    stage.addEventListener("pointermove", (event) => {
      this.#hover(event);
    });
    stage.addEventListener("pointerleave", () => {
      this.#pointer = null;
      this.#changed();
    });
    stage.addEventListener("pointerdown", (event) => {
      const point = this.#pointOf(event);
      if (event.button !== 0 || point === null || !this.#isOverObject(point)) return;
      stage.setPointerCapture(event.pointerId);
      this.#grasp = { x: point.x - this.#values.x, y: point.y - this.#values.y };
      this.#field.classList.add("dragging");
    });
    const release = (): void => {
      this.#grasp = null;
      this.#field.classList.remove("dragging");
    };
    stage.addEventListener("pointerup", release);
    stage.addEventListener("pointercancel", release);
    new ResizeObserver(() => {
      this.#resize();
    }).observe(stage.parentElement!);
  }

  #key(event: KeyboardEvent): void {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof HTMLSelectElement || target instanceof HTMLInputElement) return;
    if (target instanceof HTMLButtonElement && event.key === " ") return;
    const action = {
      " ": () => {
        this.#togglePlay();
      },
      ".": () => {
        this.#stepOnce();
      },
      r: () => {
        this.#restart();
      },
      v: () => {
        const at = VIEWS.findIndex(({ name }) => name === this.#view);
        this.#showView(VIEWS[(at + 1) % VIEWS.length]!.name);
      },
    }[event.key.toLowerCase()];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  #turn(name: ParameterName, value: number): void {
    const { values, updated } = changeParameter(this.#values, name, value);
    this.#values = values;
    this.#knobs.explain(values, name, updated);
    this.#applied(updated);
  }

  #apply(preset: Preset): void {
    this.#values = preset.values;
    this.#shape = preset.shape;
    byId("shape", HTMLSelectElement).value = preset.shape;
    this.#about.set(preset.about);
    this.#knobs.explain(this.#values, null, []);
    this.#applied([]);
    this.#restart();
  }

  #applied(updated: readonly ParameterName[]): void {
    this.#engine.setParameters(this.#values, this.#shape);
    this.#knobs.show(this.#values, updated);
    this.#showScale();
    this.#changed();
  }

  #togglePlay(): void {
    this.#playing = !this.#playing;
    this.#showPlaying();
    this.#changed();
  }

  #stepOnce(): void {
    if (this.#playing) this.#togglePlay();
    this.#engine.advance(1);
    this.#changed();
  }

  #restart(): void {
    this.#engine.restart();
    this.#owed = 0;
    this.#changed();
  }

  #showPlaying(): void {
    document.body.classList.toggle("playing", this.#playing);
    this.#play.setAttribute("aria-label", this.#playing ? "Pause" : "Go on");
  }

  #showView(view: ViewName): void {
    this.#view = view;
    for (const [name, button] of this.#viewButtons) {
      button.setAttribute("aria-pressed", String(name === view));
    }
    this.#showScale();
    this.#changed();
  }

  #showScale(): void {
    const view = VIEWS.find(({ name }) => name === this.#view)!;
    const { low, high } = rangeOf(this.#view, this.#values);
    this.#scaleLow.set(`${figure(low)} ${view.low}`);
    this.#scaleHigh.set(`${figure(high)} ${view.high} ${view.unit}`.replace(/ +/g, " "));
    const canvas = byId("scale", HTMLCanvasElement);
    const context = canvas.getContext("2d");
    if (context === null) return;
    const bytes = paletteBytes(this.#view === "wave" ? "tide" : "glow");
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let x = 0; x < canvas.width; x++) {
      const at = 4 * Math.round((x / (canvas.width - 1)) * (PALETTE_WIDTH - 1));
      context.fillStyle = `rgba(${bytes[at]!}, ${bytes[at + 1]!}, ${bytes[at + 2]!}, ${bytes[at + 3]! / 255})`;
      context.fillRect(x, 0, 1, canvas.height);
    }
  }

  #resize(): void {
    const ratio = Math.min(2, Math.max(1, window.devicePixelRatio));
    const besides = this.#stage.getBoundingClientRect().top + RULER_BELOW_PX + 120;
    const room = Math.max(160, window.innerHeight - besides);
    const width = Math.max(200, Math.min(this.#stage.clientWidth - RULER_LEFT_PX, 2 * room));
    const height = width / 2;
    for (const canvas of this.#stage.querySelectorAll<HTMLCanvasElement>(".field")) {
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.#engine.resize(Math.round(width * ratio), Math.round(height * ratio));
    this.#overlay.resize(width, height, ratio);
    this.#changed();
  }

  #changed(): void {
    this.#change += 1;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(this.#frame);
  }

  readonly #frame = (nowMs: number): void => {
    this.#scheduled = false;
    if (this.#playing) this.#run(nowMs);
    else this.#lastMs = NaN;
    this.#engine.draw(this.#view, rangeOf(this.#view, this.#values));
    this.#overlay.draw(this.#values, this.#shape, this.#pointer);
    const waitMs = keepUp(this.#paced, nowMs, this.#change, PACED_BUDGET_MS);
    if (this.#playing) this.#schedule();
    else if (waitMs !== Infinity) {
      setTimeout(() => {
        this.#schedule();
      }, waitMs);
    }
  };

  /** Take the steps that this frame's share of time holds, as far as the machine keeps up. */
  #run(nowMs: number): void {
    const frameMs = Number.isNaN(this.#lastMs) ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (!this.#engine.ready || frameMs === 0) return;
    if (frameMs > SLOW_FRAME_MS) this.#mostSteps = Math.max(LEAST_STEPS, Math.floor(this.#mostSteps * 0.7));
    else if (frameMs < FAST_FRAME_MS) this.#mostSteps = Math.min(MOST_STEPS, this.#mostSteps + 1);
    this.#owed += Math.min(LONGEST_FRAME_S, frameMs / 1000);
    const steps = Math.min(this.#mostSteps, Math.floor(this.#owed / this.#engine.step));
    this.#owed = Math.min(this.#owed - steps * this.#engine.step, this.#engine.step);
    this.#pace += ((steps * this.#engine.step * 1000) / frameMs - this.#pace) * 0.05;
    this.#engine.advance(steps);
    this.#change += 1;
  }

  #hover(event: PointerEvent): void {
    const point = this.#pointOf(event);
    this.#pointer = point;
    this.#field.classList.toggle("over", point !== null && this.#isOverObject(point));
    if (this.#grasp !== null && point !== null) {
      const moved = changeParameter(this.#values, "x", round2(point.x - this.#grasp.x)).values;
      this.#values = changeParameter(moved, "y", round2(point.y - this.#grasp.y)).values;
      this.#applied([]);
    }
    this.#changed();
  }

  #pointOf(event: PointerEvent): Point | null {
    const box = this.#field.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * DOMAIN_WIDTH;
    const y = (1 - (event.clientY - box.top) / box.height) * DOMAIN_HEIGHT;
    const inside = x >= 0 && x <= DOMAIN_WIDTH && y >= 0 && y <= DOMAIN_HEIGHT;
    return inside ? { x, y } : null;
  }

  #isOverObject({ x, y }: Point): boolean {
    return distanceToObject(this.#values, this.#shape, x, y) < GRASP;
  }

  #showReading(): void {
    const point = this.#pointer;
    this.#reading.hidden = point === null;
    if (point === null) return;
    const { displacement, intensity } = this.#engine.read(point.x, point.y);
    const tensor = tensorAt(this.#values, this.#shape, point.x, point.y);
    this.#reading.textContent = [
      `x ${point.x.toFixed(2)}  y ${point.y.toFixed(2)} units`,
      `displacement ${signed(displacement)}`,
      `intensity     ${intensity.toFixed(3)}`,
      `viscosity     ${tensor.viscosity.toFixed(3)}`,
      `decay         ${tensor.decay.toFixed(3)} 1/s`,
      `distance     ${signed(tensor.distance)}`,
      `permeability  ${tensor.permeability.toFixed(3)}`,
      `density       ${tensor.density.toFixed(3)}`,
    ].join("\n");
    const { offsetWidth, offsetHeight } = this.#reading;
    const box = this.#field.getBoundingClientRect();
    const px = (point.x / DOMAIN_WIDTH) * box.width;
    const py = (1 - point.y / DOMAIN_HEIGHT) * box.height;
    const left = px + 16 + offsetWidth > box.width ? px - 16 - offsetWidth : px + 16;
    const top = py + 16 + offsetHeight > box.height ? py - 16 - offsetHeight : py + 16;
    this.#reading.style.transform = `translate(${RULER_LEFT_PX + left}px, ${Math.max(0, top)}px)`;
  }

  #showStatistics(): void {
    const { time, largest, kinetic, potential } = this.#engine.statistics();
    this.#time.set(`${time.toFixed(2)} s`);
    this.#largest.set(largest.toFixed(3));
    this.#energy.set(figure(kinetic + potential));
    this.#kinetic.set(figure(kinetic));
    this.#potential.set(figure(potential));
    const { grid, processor, step } = this.#engine;
    const pace = this.#playing ? `${this.#pace.toFixed(2)}× real time` : "held";
    this.#engineText.set(
      `Solved on the ${processor}: ${grid.columns} × ${grid.visibleRows} cells,\n` +
        `steps of ${(step * 1000).toFixed(2)} ms, ${pace}`,
    );
  }

  #addressNow(): WaveAddress {
    return {
      values: this.#values,
      shape: this.#shape,
      view: this.#view,
      paused: !this.#playing,
      columns: this.#address.columns,
      solver: this.#address.solver,
    };
  }

  #writeAddress(): void {
    const query = formatWaveAddress(this.#addressNow());
    if (query === window.location.search) return;
    window.history.replaceState(null, "", query === "" ? window.location.pathname : query);
  }
}

function pill(label: string, title: string, act: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.title = title;
  button.addEventListener("click", act);
  return button;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

try {
  new ParticleWavePage();
} catch (error) {
  new Notices().fault(error instanceof Error ? error.message : String(error));
}
