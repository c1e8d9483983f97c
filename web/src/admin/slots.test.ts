import { expect, it } from "vitest";
import { readSlots, writeRanges } from "./slots";

it("reads slots as people write them", () => {
  expect(readSlots("2, 1;7  7")).toEqual([1, 2, 7]);
  expect(readSlots(" ")).toEqual([]);
  for (const wrong of ["0", "-1", "a", "1.5", "1-3"]) expect(readSlots(wrong), wrong).toBeNull();
});

it("writes neighbours as one range", () => {
  expect(writeRanges([9, 1, 2, 3, 7, 8])).toBe("1–3, 7–9");
  expect(writeRanges([4])).toBe("4");
  expect(writeRanges([])).toBe("");
});
