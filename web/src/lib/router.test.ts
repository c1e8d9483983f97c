import { describe, expect, it } from "vitest";
import { matchPath, safeNext } from "./router";

describe("matchPath", () => {
  it("matches part by part and reads the named ones", () => {
    expect(matchPath("/t", "/t")).toEqual({});
    expect(matchPath("/t", "/t/")).toEqual({});
    expect(matchPath("/t/s/:id", "/t/s/0192")).toEqual({ id: "0192" });
    expect(matchPath("/t/c/:id/register", "/t/c/a%20b/register")).toEqual({ id: "a b" });
  });

  it("refuses what is shorter, longer, different or not text", () => {
    expect(matchPath("/t/s/:id", "/t/s")).toBeNull();
    expect(matchPath("/t/s/:id", "/t/s/1/project")).toBeNull();
    expect(matchPath("/t/s/:id", "/t/c/1")).toBeNull();
    expect(matchPath("/t/s/:id", "/t/s/%ff")).toBeNull();
  });
});

describe("safeNext", () => {
  it("keeps paths of this site", () => {
    expect(safeNext("/t/s/1?show=late")).toBe("/t/s/1?show=late");
  });

  it.each([null, "", "t", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/login?as=admin"])(
    "refuses %s",
    (next) => expect(safeNext(next)).toBeNull(),
  );
});
