import { describe, expect, it } from "vitest";

import { reconnectDelayMs } from "../../src/store/backoff";
import { PlaybackClock } from "../../src/store/clock";

const FRAME_S = 1 / 60;

function playing(speed: number, first: number): PlaybackClock {
  const clock = new PlaybackClock();
  clock.speed = speed;
  clock.playing = true;
  clock.arrive(first);
  return clock;
}

describe("playback clock", () => {
  it("stands at the first window", () => {
    const clock = playing(1, 40);
    expect(clock.position).toBe(40);
    expect(clock.window).toBe(40);
    expect(clock.advance(FRAME_S)).toBe(false);
  });

  it("glides through the second after a window arrived and never beyond it", () => {
    const clock = playing(1, 40);
    clock.arrive(41);
    for (let i = 0; i < 30; i++) clock.advance(FRAME_S);
    expect(clock.position).toBeCloseTo(40.5, 5);
    for (let i = 0; i < 90; i++) clock.advance(FRAME_S);
    expect(clock.position).toBe(41);
    expect(clock.window).toBe(41);
  });

  it.each([0.25, 1, 16, 64])("keeps up at %s× without going back", (speed) => {
    const clock = playing(speed, 0);
    let arrived = 0;
    let before = 0;
    for (let frame = 1; frame <= 600; frame++) {
      while (arrived < Math.floor(frame * FRAME_S * speed)) clock.arrive(++arrived);
      clock.advance(FRAME_S);
      expect(clock.position).toBeGreaterThanOrEqual(before);
      expect(clock.position).toBeLessThanOrEqual(arrived);
      before = clock.position;
    }
    expect(arrived - clock.position).toBeLessThanOrEqual(1.2 + 0.15 * speed);
  });

  it("jumps after a long gap instead of racing through it", () => {
    const clock = playing(1, 0);
    clock.arrive(600);
    clock.advance(FRAME_S);
    expect(clock.position).toBe(600);
  });

  it("shows whole windows while paused and with reduced motion", () => {
    const paused = playing(1, 5);
    paused.arrive(6);
    paused.playing = false;
    paused.advance(FRAME_S);
    expect(paused.position).toBe(6);
    const stepwise = playing(1, 5);
    stepwise.stepwise = true;
    stepwise.arrive(6);
    stepwise.advance(FRAME_S);
    expect(stepwise.position).toBe(6);
  });

  it("goes to the window that a new epoch begins with, back or forth", () => {
    const clock = playing(4, 500);
    clock.rebase();
    expect(clock.advance(FRAME_S)).toBe(false);
    clock.arrive(20);
    expect(clock.position).toBe(20);
    clock.rebase();
    clock.arrive(900);
    expect(clock.position).toBe(900);
  });
});

describe("reconnecting", () => {
  it("waits longer from attempt to attempt and always less than three seconds", () => {
    const delays = [0, 1, 2, 3, 4, 50].map(reconnectDelayMs);
    expect(delays[0]).toBeLessThanOrEqual(250);
    expect([...delays].sort((a, b) => a - b)).toEqual(delays);
    expect(Math.max(...delays)).toBeLessThan(3000);
  });
});
