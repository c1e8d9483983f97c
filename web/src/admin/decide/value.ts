import type { Conflict, Edit } from "../../api/types";
import { t } from "../../i18n/admin";
import { nowLike } from "../../lib/time";
import { fieldName, show } from "../audit-words";

/** Names of what fields hold only the ids of. */
export type Names = ReadonlyMap<string, string>;

/** What the records call a field of a form. */
export function recordOf(field: string): string {
  return field === "password" || field === "pin" ? `${field}_hash` : field;
}

/** Fields whose values nobody sees. */
export function isSecret(field: string): boolean {
  return /_(hash|seed|token|key)$/.test(field);
}

export function nameOfField(field: string): string {
  return field === "archived" ? t("field_deleted") : field === "merged_into" ? t("field_merged") : fieldName(field);
}

/** One of a field's values as people read it. `zone` is a time of the server, for its offset. */
export function nameOfValue({ field }: Pick<Conflict, "field">, { value, at }: Edit, names: Names, tag: string, zone: string): string {
  if (field === "archived") return value === 1 ? t("yes") : t("no");
  if (typeof value === "string" && names.has(value)) return names.get(value)!;
  if (field === "teacher_id" && value === null) return t("no_teacher");
  return show(field, value, tag, nowLike(zone, at));
}
