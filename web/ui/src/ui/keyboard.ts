/** The keyboard: one table of keys, from which the help sheet is made too. */

import { byId } from "./dom";

export interface KeyActions {
  togglePlay(): void;
  step(windows: number): void;
  toggleFollow(): void;
  zoomPrice(factor: number): void;
  zoomTime(factor: number): void;
  /** Pan by shares of the plot's size: to the right, and up. */
  pan(right: number, up: number): void;
  toggleCrosshair(): void;
  /** Move the crosshair by so many seconds and cells; false when it is not held by the keys. */
  moveCrosshair(seconds: number, cells: number): boolean;
  changeSpeed(direction: 1 | -1): void;
  resetView(): void;
  restart(): void;
  nextField(): void;
  toggleMap(): void;
  toggleLayer(number: number): void;
  openView(): void;
  toggleLoop(): void;
  jump(): void;
  exportPicture(): void;
  toEnd(end: "start" | "end"): void;
}

interface Binding {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly help: string;
  readonly act: (actions: KeyActions, event: KeyboardEvent) => void;
}

const ZOOM = 1.25;
/** Share of the plot by which a key pans. */
const PAN = 0.1;

const BINDINGS: readonly Binding[] = [
  { keys: [" "], shown: "Space", help: "Play or pause", act: (a) => { a.togglePlay(); } },
  {
    keys: ["ArrowLeft", "ArrowRight"],
    shown: "← →",
    help: "Step one second; with Shift ten",
    act: (a, e) => {
      const seconds = (e.key === "ArrowLeft" ? -1 : 1) * (e.shiftKey ? 10 : 1);
      if (!a.moveCrosshair(seconds, 0)) a.step(seconds);
    },
  },
  {
    keys: ["Home", "End"],
    shown: "Home End",
    help: "Go to the session's first or last second",
    act: (a, e) => { a.toEnd(e.key === "Home" ? "start" : "end"); },
  },
  {
    keys: ["<", ">", ",", "."],
    shown: "< >",
    help: "Slower, faster",
    act: (a, e) => { a.changeSpeed(e.key === "<" || e.key === "," ? -1 : 1); },
  },
  {
    keys: ["+", "=", "-", "_", "ArrowUp", "ArrowDown"],
    shown: "+ − ↑ ↓",
    help: "Zoom prices; Shift with ↑ ↓ pans them",
    act: (a, e) => {
      const up = e.key === "+" || e.key === "=" || e.key === "ArrowUp";
      const arrow = e.key.startsWith("Arrow");
      if (arrow && a.moveCrosshair(0, (up ? 1 : -1) * (e.shiftKey ? 10 : 1))) return;
      if (arrow && e.shiftKey) a.pan(0, up ? PAN : -PAN);
      else a.zoomPrice(up ? ZOOM : 1 / ZOOM);
    },
  },
  {
    keys: ["[", "]"],
    shown: "[ ]",
    help: "Zoom time",
    act: (a, e) => { a.zoomTime(e.key === "]" ? ZOOM : 1 / ZOOM); },
  },
  {
    keys: ["{", "}"],
    shown: "{ }",
    help: "Pan time",
    act: (a, e) => { a.pan(e.key === "}" ? PAN : -PAN, 0); },
  },
  {
    keys: ["x", "X"],
    shown: "X",
    help: "Crosshair at NOW and spot, moved by the arrow keys; again to leave it",
    act: (a) => { a.toggleCrosshair(); },
  },
  { keys: ["f", "F"], shown: "F", help: "Follow spot", act: (a) => { a.toggleFollow(); } },
  { keys: ["0"], shown: "0", help: "Reset the view", act: (a) => { a.resetView(); } },
  { keys: ["s", "S"], shown: "S", help: "Next surface", act: (a) => { a.nextField(); } },
  {
    keys: ["m", "M"],
    shown: "M",
    help: "An equity's wide map, or its fine one",
    act: (a) => { a.toggleMap(); },
  },
  {
    keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    shown: "1 – 9",
    help: "Switch a layer",
    act: (a, e) => { a.toggleLayer(Number(e.key)); },
  },
  { keys: ["c", "C"], shown: "C", help: "Layers and colours", act: (a) => { a.openView(); } },
  {
    keys: ["l", "L"],
    shown: "L",
    help: "Loop: begin here, end here, no loop",
    act: (a) => { a.toggleLoop(); },
  },
  { keys: ["g", "G"], shown: "G", help: "Jump to a time", act: (a) => { a.jump(); } },
  { keys: ["e", "E"], shown: "E", help: "Save the picture as PNG", act: (a) => { a.exportPicture(); } },
  { keys: ["r", "R"], shown: "R", help: "Restart the stream", act: (a) => { a.restart(); } },
];

const GESTURES: readonly (readonly [string, string])[] = [
  ["Wheel", "Zoom prices at the pointer"],
  ["Ctrl wheel", "Zoom time; Cmd wheel and sideways too"],
  ["Drag", "Pan both ways; two fingers zoom the axis along which they lie"],
  ["Double click", "Reset the view"],
  ["?", "This sheet"],
];

export function listenToKeys(actions: KeyActions): void {
  const help = byId("help", HTMLDialogElement);
  fillHelp(byId("help-list", HTMLElement));
  const openHelp = (): void => {
    if (!help.open) help.showModal();
  };
  byId("help-open", HTMLButtonElement).addEventListener("click", openHelp);

  document.addEventListener("keydown", (event) => {
    if (help.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (belongsToControl(event)) return;
    if (event.key === "?") {
      openHelp();
      return;
    }
    const binding = BINDINGS.find(({ keys }) => keys.includes(event.key));
    if (binding === undefined) return;
    event.preventDefault();
    binding.act(actions, event);
  });
}

/** Keys that the focused control has a use for itself. */
function belongsToControl(event: KeyboardEvent): boolean {
  const { target } = event;
  if (target instanceof HTMLSelectElement || target instanceof HTMLInputElement) return true;
  if (target instanceof HTMLButtonElement) return event.key === " " || event.key === "Enter";
  return event.defaultPrevented;
}

function fillHelp(list: HTMLElement): void {
  const rows = [...BINDINGS.map(({ shown, help }) => [shown, help] as const), ...GESTURES];
  for (const [shown, help] of rows) {
    const term = document.createElement("dt");
    term.textContent = shown;
    const description = document.createElement("dd");
    description.textContent = help;
    list.append(term, description);
  }
}
