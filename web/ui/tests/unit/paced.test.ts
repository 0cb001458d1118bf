import { describe, expect, it } from "vitest";

import { Paced } from "../../src/store/paced";

describe("paced work", () => {
  it("is done at once for the first change and once for many", () => {
    let done = 0;
    const paced = new Paced(100, () => (done += 1));
    expect(paced.poll(0, 1)).toBe(Infinity);
    for (let ms = 1; ms < 100; ms++) paced.poll(ms, 1 + ms);
    expect(done).toBe(1);
  });

  it("names the time at which the last change is due, and does it then", () => {
    let done = 0;
    const paced = new Paced(100, () => (done += 1));
    paced.poll(0, 1);
    expect(paced.poll(30, 2)).toBe(70);
    expect(paced.poll(100, 2)).toBe(Infinity);
    expect(done).toBe(2);
    expect(paced.poll(500, 2)).toBe(Infinity);
    expect(done).toBe(2);
  });

  it("can be hurried", () => {
    let done = 0;
    const paced = new Paced(100, () => (done += 1));
    paced.poll(0, 1);
    paced.hurry();
    paced.poll(1, 2);
    expect(done).toBe(2);
  });
});
