import { ApiError } from "../api/client";
import { said } from "../i18n/server";

export type Values = Record<string, string>;

export interface FieldSpec {
  name: string;
  label: string;
  hint?: string;
  kind?: "text" | "email" | "number" | "secret" | "select";
  options?: { value: string; label: string }[];
  required?: boolean;
  maxlength?: number;
  digits?: boolean;
}

/** What the server found wrong, by field; null when it isn't about a field that the form has. */
export function fieldErrors(error: unknown, names: string[]): Record<string, string> | null {
  if (!(error instanceof ApiError)) return null;
  const fields = error.body.fields;
  const found: Record<string, string> = {};
  if (typeof fields === "object" && fields !== null) {
    for (const [name, text] of Object.entries(fields)) if (names.includes(name)) found[name] = said(String(text));
  }
  // A value that somebody else has already is told by the code: `duplicate_course_code`.
  const taken = /^duplicate_(.+)$/.exec(error.code)?.[1];
  if (taken && names.includes(taken)) found[taken] = error.message;
  return Object.keys(found).length > 0 ? found : null;
}
