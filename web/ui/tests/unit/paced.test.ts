import { describe, expect, it } from "vitest";

import { Paced, keepUp } from "../../src/store/paced";

const NO_LIMIT = Infinity;

describe("paced work", () => {
  it("is done at once for the first change and once for many", () => {
    let done = 0;
    const paced = [new Paced(100, () => (done += 1))];
    expect(keepUp(paced, 0, 1, NO_LIMIT)).toBe(Infinity);
    for (let ms = 1; ms < 100; ms++) keepUp(paced, ms, 1 + ms, NO_LIMIT);
    expect(done).toBe(1);
  });

  it("names the time at which the last change is due, and does it then", () => {
    let done = 0;
    const paced = [new Paced(100, () => (done += 1))];
    keepUp(paced, 0, 1, NO_LIMIT);
    expect(keepUp(paced, 30, 2, NO_LIMIT)).toBe(70);
    expect(keepUp(paced, 100, 2, NO_LIMIT)).toBe(Infinity);
    expect(done).toBe(2);
    expect(keepUp(paced, 500, 2, NO_LIMIT)).toBe(Infinity);
    expect(done).toBe(2);
  });

  it("can be hurried", () => {
    let done = 0;
    const paced = new Paced(100, () => (done += 1));
    keepUp([paced], 0, 1, NO_LIMIT);
    paced.hurry();
    keepUp([paced], 1, 2, NO_LIMIT);
    expect(done).toBe(2);
  });

  it("is spread over frames when it takes long, the longest due first, and none is left out", () => {
    const order: string[] = [];
    const slow = (name: string) => () => {
      order.push(name);
      const began = performance.now();
      while (performance.now() - began < 0.2);
    };
    const paced = [new Paced(10, slow("often")), new Paced(30, slow("seldom"))];
    expect(keepUp(paced, 0, 1, NO_LIMIT)).toBe(Infinity);
    expect(keepUp(paced, 50, 2, 0.1)).toBe(0);
    for (let frame = 1; frame < 4; frame++) keepUp(paced, 50 + 16 * frame, 2 + frame, 0.1);
    expect(order).toEqual(["often", "seldom", "often", "seldom", "often", "often"]);
  });
});
