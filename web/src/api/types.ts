// The server's JSON, field by field. Ids are strings; times are ISO 8601 with the institution's offset.

export type Role = "admin" | "teacher" | "student";

export interface WhoAmI {
  role: Role;
  id: string;
  name: string;
  expires_at: string;
  must_change_password?: boolean;
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
