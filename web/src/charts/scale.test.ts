import { describe, expect, it } from "vitest";
import { fitting, ticks } from "./scale";

describe("axis", () => {
  it("has round steps that reach the largest value", () => {
    expect(ticks(100)).toEqual([0, 50, 100]);
    expect(ticks(37)).toEqual([0, 10, 20, 30, 40]);
    expect(ticks(3)).toEqual([0, 1, 2, 3]);
    expect(ticks(0)).toEqual([0, 1]);
    for (const max of [1, 7, 12, 99, 101, 1234]) expect(ticks(max).at(-1)!).toBeGreaterThanOrEqual(max);
  });

  it("leaves out labels that don't fit, never the last", () => {
    const shown = (count: number, width: number) => [...Array(count).keys()].filter(fitting(count, width, 50));
    expect(shown(4, 400)).toEqual([0, 1, 2, 3]);
    expect(shown(10, 250)).toEqual([1, 3, 5, 7, 9]);
  });
});
