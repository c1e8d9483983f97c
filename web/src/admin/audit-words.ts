import { t as common } from "../i18n/common";
import { t } from "../i18n/admin";
import { clock, nowLike, shortDay } from "../lib/time";

// The server's words are few and fixed; one that a newer server adds is shown as it is, spaces for underscores.
const plain = (word: string) => word.replaceAll("_", " ");

const actions: Record<string, () => string> = {
  backed_up: () => t("did_backed_up"),
  changed: () => t("did_changed"),
  created: () => t("did_created"),
  deleted: () => t("did_deleted"),
  ended: () => t("did_ended"),
  enrolled: () => t("did_enrolled"),
  hub_joined: () => t("did_hub_joined"),
  imported: () => t("did_imported"),
  left: () => t("did_left"),
  logged_in: () => t("did_logged_in"),
  login_refused: () => t("did_login_refused"),
  marked: () => t("did_marked"),
  node_code_given: () => t("did_node_code_given"),
  node_scope_changed: () => t("did_node_scope_changed"),
  node_file_taken: () => t("did_node_file_taken"),
  node_joined: () => t("did_node_joined"),
  node_refused: () => t("did_node_refused"),
  node_revoked: () => t("did_node_revoked"),
  password_changed: () => t("did_password_changed"),
  password_reset: () => t("did_password_reset"),
  reopened: () => t("did_reopened"),
  replayed: () => t("did_replayed"),
  restored: () => t("did_restored"),
  scanner_added: () => t("did_scanner_added"),
  scanner_code_given: () => t("did_scanner_code_given"),
  scanner_removed: () => t("did_scanner_removed"),
  scanner_slots_changed: () => t("did_scanner_slots_changed"),
  scanner_slots_cleared: () => t("did_scanner_slots_cleared"),
  scanner_slots_given: () => t("did_scanner_slots_given"),
  signature_wrong: () => t("did_signature_wrong"),
  started: () => t("did_started"),
  unmarked: () => t("did_unmarked"),
};
const kinds: Record<string, () => string> = {
  admin: () => t("kind_admin"),
  course: () => t("kind_course"),
  device: () => t("kind_device"),
  enrolment: () => t("kind_enrolment"),
  mark: () => t("kind_mark"),
  semester: () => t("kind_semester"),
  session: () => t("kind_session"),
  setting: () => t("kind_setting"),
  student: () => t("kind_student"),
  teacher: () => t("kind_teacher"),
};
const roles: Record<string, () => string> = {
  admin: () => t("kind_admin"),
  device: () => t("kind_device"),
  student: () => t("kind_student"),
  system: () => t("actor_system"),
  teacher: () => t("kind_teacher"),
};
const fields: Record<string, () => string> = {
  allow_legacy_scanners: () => t("allow_legacy"),
  batch_name: () => t("batch_name"),
  course_code: () => t("course_code"),
  course_name: () => t("name"),
  class_roll_id: () => t("roll"),
  critical_percent: () => t("critical_percent"),
  default_duration_minutes: () => t("course_minutes"),
  duration_minutes: () => t("course_minutes"),
  email1: () => t("email"),
  email2: () => t("email2"),
  ended_at: () => t("field_ended"),
  ends_at: () => t("field_ends"),
  enrollment_no: () => t("enrollment_no"),
  institution_name: () => t("institution_name"),
  late_after_minutes: () => t("late_after"),
  min_attendance_percent: () => t("min_percent"),
  leaderboard: () => t("leaderboard"),
  nickname: () => t("field_nickname"),
  observed_at: () => t("field_observed"),
  password_hash: () => t("password"),
  pin_hash: () => t("pin"),
  periods: () => t("field_periods"),
  semester_id: () => t("semester"),
  semester_name: () => t("name"),
  session_grace_minutes: () => t("grace"),
  session_type: () => t("held"),
  source: () => t("field_source"),
  starts_at: () => t("field_starts"),
  status: () => t("field_status"),
  student_name: () => t("name"),
  teacher_code: () => t("teacher_code"),
  teacher_id: () => t("teacher"),
  teacher_name: () => t("name"),
  time_zone: () => t("time_zone"),
  topic: () => t("field_topic"),
  university_roll_no: () => t("university_roll_no"),
};
const statuses: Record<string, () => string> = {
  absent: () => common("absent"),
  excused: () => common("excused"),
  late: () => common("late"),
  present: () => common("present"),
};

const sources: Record<string, () => string> = {
  code: () => t("source_code"),
  correction: () => t("source_correction"),
  emergency: () => t("source_emergency"),
  fingerprint: () => t("source_fingerprint"),
  import: () => t("source_import"),
  leave: () => t("source_leave"),
  scanner_queue: () => t("source_scanner_queue"),
  teacher: () => t("source_teacher"),
  terminal: () => t("source_terminal"),
};

const known = (words: Record<string, () => string>, word: string) => words[word]?.() ?? plain(word);

export const action = (word: string) => known(actions, word);
export const kind = (word: string) => known(kinds, word);
export const role = (word: string) => known(roles, word);
export const fieldName = (word: string) => known(fields, word);

/** Whether a field says something to people. What a session is made of inside is not among it. */
export function isTold(entityKind: string, name: string): boolean {
  if (name === "archived" || name === "held_on" || /_(ms|seed|token)$/.test(name)) return false;
  return !(entityKind === "session" && /_id$/.test(name));
}

/** A value of a record as people read it. `at`, the record's own time, tells the institution's offset. */
export function show(name: string, value: unknown, tag: string, at: string): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (/_hash$|_seed$|_token$|_key$/.test(name)) return t("value_hidden");
  // An id says nothing; that another teacher or semester was chosen does.
  if (/_id$/.test(name) && name !== "class_roll_id") return t("value_hidden");
  if (name === "session_type") return value === "online" ? t("kpi_online") : t("in_class");
  if (name === "status") return known(statuses, String(value));
  if (name === "source") return known(sources, String(value));
  if (/_at$/.test(name) && typeof value === "number") {
    const local = nowLike(at, value);
    return `${shortDay(local, tag)}, ${clock(local, tag)}`;
  }
  if (name === "periods" && Array.isArray(value)) {
    return value
      .map((period: { from_on?: string; until_on?: string | null; class_roll_id?: number }) =>
        [
          period.class_roll_id !== undefined ? `${t("roll")} ${period.class_roll_id}` : "",
          `${period.from_on ?? ""} – ${period.until_on ?? ""}`.trim(),
        ]
          .filter(Boolean)
          .join(", "),
      )
      .join("; ");
  }
  if (typeof value === "object") return JSON.stringify(value);
  return plain(String(value));
}
