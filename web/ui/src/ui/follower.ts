/** Moves the camera after spot, and remembers spot and where it came from. */

import type { Scene } from "../gl/scene";
import type { Player } from "../store/player";

export class Follower {
  /** Ticks; NaN before the first window. */
  spot = NaN;
  rising = true;
  readonly #scene: Scene;
  #gliding = false;
  #window = NaN;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  clear(): void {
    this.spot = NaN;
  }

  /** A person moved the view: it stays, unless spot is to be followed anew. */
  release(follow: boolean): void {
    this.#gliding = follow;
  }

  /** Put the scene at the player's window; true while the camera glides. */
  advance(player: Player, seconds: number): boolean {
    const { clock, ring } = player;
    const { camera } = this.#scene;
    if (Number.isNaN(clock.position)) return false;
    camera.now = clock.position;
    this.#scene.window = clock.window;
    if (ring === null || !ring.has(clock.window)) return false;
    const spot = ring.spot[ring.row(clock.window)]!;
    if (Number.isNaN(spot)) return false;
    if (!Number.isNaN(this.spot) && spot !== this.spot) this.rising = spot > this.spot;
    this.spot = spot;
    // While paused only another window moves the view: a zoom stays where it was aimed.
    if (clock.playing || clock.window !== this.#window) this.#gliding = true;
    this.#window = clock.window;
    const fresh = Number.isNaN(camera.centerTick);
    if (this.#gliding || fresh) this.#gliding = camera.followSpot(spot, seconds);
    return this.#gliding;
  }
}
