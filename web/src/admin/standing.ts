import type { Settings, Standing } from "../api/types";

export type Limits = Pick<Settings, "min_attendance_percent" | "critical_percent">;
export const tones = { safe: "ok", warning: "warn", critical: "bad" } as const;

/** The colour of a percentage. Where nothing was held there is nothing to judge. */
export function standingOf(percent: number, limits: Limits | null): Standing {
  if (!limits || percent >= limits.min_attendance_percent) return "safe";
  return percent < limits.critical_percent ? "critical" : "warning";
}
