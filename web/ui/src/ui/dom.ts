/** Access to the page's elements, checked once at start. */

/** The element with this id; throws when the page lacks it or it is of another kind. */
export function byId<T extends Element>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page lacks #${id}`);
  return element;
}

/** Writes an element's text only when it changed, and always into the same node. */
export class TextOut {
  readonly #node: Text;
  #text: string;

  constructor(id: string) {
    const element = byId(id, HTMLElement);
    this.#text = element.textContent ?? "";
    this.#node = document.createTextNode(this.#text);
    element.replaceChildren(this.#node);
  }

  get text(): string {
    return this.#text;
  }

  set(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#node.data = text;
  }
}

/** Replace the options of a list by pairs of value and label. */
export function fill(select: HTMLSelectElement, options: readonly (readonly [string, string])[]): void {
  select.replaceChildren(
    ...options.map(([value, label]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = label;
      return option;
    }),
  );
}

/** A 2-D canvas over the stage, sized in CSS pixels. */
export class Overlay {
  readonly context: CanvasRenderingContext2D;
  readonly #canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser offers no 2-D canvas");
    this.#canvas = canvas;
    this.context = context;
  }

  resize(width: number, height: number, ratio: number): void {
    this.#canvas.width = Math.max(1, Math.round(width * ratio));
    this.#canvas.height = Math.max(1, Math.round(height * ratio));
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** A canvas with nothing on it costs as much to lay over the page as any other. */
  show(shown: boolean): void {
    if (this.#canvas.hidden === shown) this.#canvas.hidden = !shown;
  }

  clear(): void {
    this.context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }
}
