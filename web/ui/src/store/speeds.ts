/** Playback speeds on offer, in session seconds a second. */

export const SPEEDS: readonly number[] = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];

/** The next speed up (+1) or down (-1); the ends stay. */
export function neighbouringSpeed(speed: number, direction: 1 | -1): number {
  const at = SPEEDS.indexOf(speed);
  return SPEEDS[at + direction] ?? speed;
}
