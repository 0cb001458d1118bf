/** The plane-wave source: a sine whose phase and amplitude stay smooth when its knobs are turned. */

/** Periods over which the amplitude follows its knob. */
const EASE_PERIODS = 0.35;

export class PlaneWaveSource {
  #phase = 0;
  #amplitude = 0;
  #value = 0;
  #before = 0;

  restart(): void {
    this.#phase = this.#amplitude = this.#value = this.#before = 0;
  }

  /** Let one step pass; returns the difference of the incoming wave over the last two steps. */
  advance(step: number, frequency: number, amplitude: number): number {
    this.#amplitude += (amplitude - this.#amplitude) * (1 - Math.exp((-step * frequency) / EASE_PERIODS));
    this.#phase = (this.#phase + step * frequency) % 1;
    const value = this.#amplitude * Math.sin(2 * Math.PI * this.#phase);
    const difference = value - this.#before;
    this.#before = this.#value;
    this.#value = value;
    return difference;
  }
}
