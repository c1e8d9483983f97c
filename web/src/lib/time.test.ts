import { describe, expect, it } from "vitest";
import { ago, clock, countdown, longDay, nowLike, shortDay } from "./time";

describe("times", () => {
  it("show the wall clock of the institution, whatever zone the browser is in", () => {
    expect(clock("2026-11-22T10:04:00+05:30", "en-GB")).toBe("10:04");
    expect(clock("2026-11-22T10:04:00-03:00", "en-GB")).toBe("10:04");
    expect(shortDay("2026-11-22T23:59:00+05:30", "en-GB")).toMatch(/^Sun,? 22 Nov$/);
    expect(longDay("2026-11-22", "en-GB")).toMatch(/^Sunday,? 22 November 2026$/);
  });

  it("say nothing about what isn't a time", () => {
    expect(clock("", "en-GB")).toBe("");
  });

  it("take the offset of another time for now", () => {
    const now = Date.parse("2026-11-22T04:34:00Z");
    expect(nowLike("2026-01-01T00:00:00+05:30", now)).toBe("2026-11-22T10:04:00+05:30");
    expect(nowLike("2026-01-01T00:00:00-03:30", now)).toBe("2026-11-22T01:04:00-03:30");
    expect(nowLike("2026-01-01T00:00:00Z", now)).toBe("2026-11-22T04:34:00Z");
  });
});

describe("countdown", () => {
  it.each([
    [0, "0:00"],
    [-5, "0:00"],
    [0.2, "0:01"],
    [65, "1:05"],
    [600, "10:00"],
    [3725, "1:02:05"],
  ])("%s seconds are %s", (seconds, text) => expect(countdown(seconds)).toBe(text));
});

describe("ago", () => {
  const now = Date.parse("2026-11-22T10:00:00Z");
  it.each([
    ["2026-11-22T09:59:30Z", /^30 ?s.* ago$/],
    ["2026-11-22T09:45:00Z", /^15 ?m.* ago$/],
    ["2026-11-22T07:00:00Z", /^3 ?h.* ago$/],
    ["2026-11-20T10:00:00Z", /^2 ?d.* ago$/],
    // The other clock is a little ahead of ours.
    ["2026-11-22T10:00:03Z", /^now$/],
  ])("%s", (iso, text) => expect(ago(iso, now, "en-US")).toMatch(text));
});
