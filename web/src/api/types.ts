// The server's JSON, field by field. Ids are strings; times are ISO 8601 with the institution's offset.

export type Role = "admin" | "teacher" | "student";

/** Who is logged in. */
export interface WhoAmI {
  role: Role;
  id: string;
  name: string;
  expires_at: string;
  must_change_password?: boolean;
}

/** What `GET /api/session` answers to somebody who isn't logged in. */
export interface Nobody {
  role: null;
  must_change_password: false;
}

export interface Health {
  status: "healthy" | "degraded";
  version: string;
  environment: string;
  database: string;
  node_type: "local" | "cloud";
  institution: string;
}

export type Status = "present" | "late" | "absent" | "excused";
export type Source =
  | "fingerprint"
  | "scanner_queue"
  | "code"
  | "teacher"
  | "emergency"
  | "correction"
  | "leave"
  | "terminal"
  | "import";
export type SessionType = "offline" | "online";

export interface Device {
  id: string;
  name: string;
  room: string | null;
  mac_address: string | null;
  protocol: "signed" | "legacy";
  status: "online" | "offline" | "waiting";
  battery: number | null;
  wifi_strength: number | null;
  queue_count: number | null;
  sync_count: number | null;
  last_seen: string | null;
}

export interface OpenSession {
  session_id: string;
  topic: string | null;
  session_type: SessionType;
  start_time: string;
  end_time: string;
  closes_at: string;
  seconds_remaining: number;
}

export interface TeacherCourse {
  id: string;
  course_code: string;
  course_name: string;
  semester_name: string;
  default_duration_minutes: number;
  enrolled_count: number;
  session_count: number;
  last_session_at: string | null;
  open_session: OpenSession | null;
}

export interface Session {
  session_id: string;
  course_id: string;
  course_code: string;
  course_name: string;
  teacher_name: string;
  topic: string | null;
  session_type: SessionType;
  start_time: string;
  end_time: string;
  closes_at: string;
  grace_seconds: number;
  late_after_minutes: number | null;
  is_active: boolean;
  can_reopen_until: string | null;
  device_id: string | null;
  server_time: string;
  enrolled_count: number;
}

export interface RosterEntry {
  student_id: string;
  student_name: string;
  university_roll_no: string;
  class_roll_id: number | null;
  status: Status | null;
  source: Source | null;
  observed_at: string | null;
  reason: string | null;
}

export interface Snapshot {
  session: Session;
  students: RosterEntry[];
  devices: Device[];
}

export interface Mark {
  student_id: string;
  university_roll_no: string;
  class_roll_id: number | null;
  status: Status | null;
  source: Source | null;
  reason?: string | null;
  observed_at: string | null;
  recorded_at: string;
}

export interface OnlineStatus {
  is_active: boolean;
  marked_count: number;
  total_students: number;
  current_otp: string;
  otp_time_remaining: number;
  session_token: string;
  session_url?: string;
}

export interface HistoryEntry {
  id: string;
  date: string;
  time: string;
  start_time: string;
  end_time: string;
  session_type: SessionType;
  topic: string | null;
  is_active: boolean;
  present_count: number;
  total_students: number;
  attendance_percent: number;
}

export type Letter = "P" | "L" | "A" | "E";

export interface Report {
  course: { id: string; course_code: string; course_name: string; teacher_name?: string; semester_name?: string };
  sessions: { id: string; start_time: string; topic?: string | null }[];
  students: { id: string; student_name: string; university_roll_no: string; class_roll_id: number | null }[];
  cells: [session: string, student: string, letter: Letter][];
  totals: {
    student_id: string;
    present: number;
    late: number;
    absent: number;
    excused: number;
    total: number;
    percentage: number;
  }[];
}

export interface Semester {
  id: string;
  semester_name: string;
}

export interface Teacher {
  id: string;
  teacher_name: string;
  teacher_code: string;
}

export interface Student {
  id: string;
  student_name: string;
  university_roll_no: string;
  enrollment_no: string;
  email1: string;
  email2: string;
}

export interface Course {
  id: string;
  course_name: string;
  course_code: string;
  default_duration_minutes: number;
  semester_id: string | null;
  semester_name: string;
  teacher_id: string | null;
  teacher_name: string;
}

export interface Enrolled {
  student_id: string;
  student_name: string;
  university_roll_no: string;
  class_roll_id: number;
}

export interface Enrolments {
  enrolled: Enrolled[];
  available: { id: string; student_name: string; university_roll_no: string }[];
}

/** A scanner as administrators see it. */
export interface Scanner extends Device {
  approved: boolean;
  paired: boolean;
  firmware: string;
}

export interface PairingCode {
  id: string;
  pairing_code: string;
  expires_at: string;
}

export interface Settings {
  batch_name: string;
  institution_name: string;
  time_zone: string;
  session_grace_minutes: number;
  late_after_minutes: number;
  min_attendance_percent: number;
  critical_percent: number;
  allow_legacy_scanners: boolean;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor_role: "admin" | "teacher" | "student" | "device" | "system";
  actor_name: string;
  action: string;
  entity_kind: string;
  entity_label: string;
  old: Record<string, unknown>;
  new: Record<string, unknown>;
  reason: string | null;
}

export interface AuditTrail {
  entries: AuditEntry[];
  next_cursor: string | null;
}

export interface Overview {
  total_students: number;
  total_courses: number;
  total_sessions: number;
  total_attendance_marks: number;
  online_sessions: number;
  offline_sessions: number;
  sessions_this_week: number;
  sessions_this_month: number;
  avg_attendance_per_session: number;
  overall_attendance_rate: number;
  at_risk_count: number;
  course_summary: CourseSummary[];
}

export interface CourseSummary {
  id: string;
  course_name: string;
  course_code: string;
  teacher_name: string;
  enrolled_count: number;
  session_count: number;
  total_marks: number;
  attendance_rate: number;
}

export type Standing = "safe" | "warning" | "critical";

export interface CourseAnalytics {
  course: { id: string; course_name: string; course_code: string; semester_name: string; teacher_name: string };
  total_sessions: number;
  enrolled_count: number;
  at_risk_count: number;
  attendance_rate: number;
  students: {
    student_id: string;
    student_name: string;
    university_roll_no: string;
    class_roll_id: number | null;
    present_count: number;
    total_sessions: number;
    percentage: number;
    status: Standing;
  }[];
  trend: TrendPoint[];
}

export interface TrendPoint {
  id: string;
  start_time: string;
  topic: string | null;
  session_type: SessionType;
  present_count: number;
  total_students: number;
  attendance_percent: number;
}

export interface StudentAnalytics {
  student: { id: string; student_name: string; university_roll_no: string; enrollment_no: string };
  overall_percentage: number;
  overall_status: Standing;
  total_present: number;
  total_possible: number;
  courses: {
    course_id: string;
    course_name: string;
    course_code: string;
    class_roll_id: number | null;
    present_count: number;
    total_sessions: number;
    percentage: number;
    status: Standing;
  }[];
  recent_absences: { id: string; start_time: string; course_name: string; course_code: string }[];
}

export interface Trends {
  daily: {
    date: string;
    session_count: number;
    attendance_count: number;
    online_marks: number;
    offline_marks: number;
  }[];
  day_of_week: { day_name: string; day_num: number; session_count: number; avg_attendance: number; attendance_rate: number }[];
  session_type_split: { session_type: SessionType; session_count: number; attendance_count: number }[];
  course_sessions: {
    course_code: string;
    course_name: string;
    session_count: number;
    total_marks: number;
    enrolled: number;
    attendance_rate: number;
  }[];
}

export type Warning = "good" | "warning" | "critical";

export interface Plan {
  /** Null: no number of sessions is enough. */
  needed_to_recover: number | null;
  buffer_available: number;
}

export interface Badge {
  type: string;
}

export interface OwnCourse {
  course_id: string;
  course_name: string;
  course_code: string;
  semester_name: string;
  percentage: number;
  present_count: number;
  absent_count: number;
  excused_count: number;
  total_sessions: number;
  warning_status: Warning;
  is_current: boolean;
  analytics: Plan;
}

export interface Dashboard {
  student_name: string;
  overall_percentage: number;
  overall_status: Warning;
  present_count: number;
  total_sessions: number;
  current_streak: number;
  longest_streak: number;
  badges: Badge[];
  courses: OwnCourse[];
  min_attendance_requirement: number;
}

export interface OwnSemester {
  id: string;
  semester_name: string;
  courses: { id: string; course_name: string; course_code: string }[];
}

export interface OwnTrend {
  last_7_days_avg: number;
  last_30_days_avg: number;
  trend_direction: "up" | "down" | "stable";
  total_sessions: number;
  is_current: boolean;
}

export interface OwnAnalytics {
  analytics: Record<string, OwnTrend>;
}

export interface OwnLog {
  course_id: string;
  course_name: string;
  course_code: string;
  present_count: number;
  absent_count: number;
  excused_count: number;
  total_sessions: number;
  percentage: number;
  log: {
    session_id: string;
    date: string;
    start_time: string;
    end_time: string;
    topic: string;
    session_type: SessionType;
    status: Status;
  }[];
}

export interface Leaderboard {
  user_rank: { rank: number; percentile: number; total_students: number };
  leaderboard: {
    rank: number;
    student_id: string;
    student_name: string;
    is_you: boolean;
    attendance_percentage: number;
    present_count: number;
    total_sessions: number;
    current_streak: number;
    longest_streak: number;
    badges: Badge[];
  }[];
}

export interface CourseOfTeacherAnalytics {
  total_sessions: number;
  enrolled_count: number;
  avg_attendance_percent: number;
  min_attendance_requirement: number;
  at_risk_students: {
    student_id: string;
    student_name: string;
    university_roll_no: string;
    class_roll_id: number;
    attendance_percent: number;
    present_count: number;
    total_sessions: number;
    sessions_needed: number | null;
    status: Warning;
  }[];
  trend: TrendPoint[];
}
