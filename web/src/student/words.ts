import type { OwnCourse } from "../api/types";
import { t } from "../i18n/student";

export const tones = { good: "ok", warning: "warn", critical: "bad" } as const;

/** What to do next in a course, in a few words. */
export function advice(course: Pick<OwnCourse, "total_sessions" | "analytics">): string {
  const { needed_to_recover: needed, buffer_available: buffer } = course.analytics;
  if (course.total_sessions === 0) return t("advice_first");
  if (needed === null) return t("advice_out_of_reach");
  if (needed > 0) return t("advice_attend", { n: needed });
  return buffer > 0 ? t("advice_miss", { n: buffer }) : t("advice_none_left");
}
