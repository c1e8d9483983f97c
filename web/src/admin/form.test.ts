import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { fieldErrors } from "./form";

const names = ["course_code", "course_name"];
const refusal = (code: string, body: Record<string, unknown> = {}) => new ApiError("Not so.", 422, code, null, body);

describe("what the server refuses", () => {
  it("is told at the field it is about", () => {
    expect(fieldErrors(refusal("invalid_field", { fields: { course_code: "Too long." } }), names)).toEqual({
      course_code: "Too long.",
    });
    expect(fieldErrors(refusal("duplicate_course_code"), names)).toEqual({ course_code: "Not so." });
  });

  it("is told apart when the form has no such field", () => {
    expect(fieldErrors(refusal("invalid_field", { fields: { other: "No." } }), names)).toBeNull();
    expect(fieldErrors(refusal("duplicate_other"), names)).toBeNull();
    expect(fieldErrors(new Error("broken"), names)).toBeNull();
  });
});
