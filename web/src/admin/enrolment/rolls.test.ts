import { describe, expect, it } from "vitest";
import { nextFree, readRoll, sharedRolls } from "./rolls";

describe("class roll numbers", () => {
  it("fills the first gap", () => {
    expect(nextFree(new Set())).toBe(1);
    expect(nextFree(new Set([1, 2, 4]))).toBe(3);
  });

  it("reads whole numbers in range only", () => {
    expect([" 7 ", "100000", "0", "100001", "-1", "1.5", "x", ""].map(readRoll)).toEqual([
      7,
      100000,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it("finds who shares one, however it was typed", () => {
    const rows = [
      { student_id: "a", student_name: "Asha", roll: "7" },
      { student_id: "b", student_name: "Bela", roll: "07" },
      { student_id: "c", student_name: "Chand", roll: "8" },
    ];
    expect([...sharedRolls(rows)]).toEqual([
      ["a", ["Bela"]],
      ["b", ["Asha"]],
    ]);
  });
});
