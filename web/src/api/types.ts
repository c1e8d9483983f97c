// The server's JSON, by the names that the UI uses. All of it is the API document's (`openapi.ts`, which is made of
// docs/openapi.json by `cargo xtask gen-api`). Ids are strings; times are ISO 8601 with the institution's offset.

import type { components } from "./openapi";

type Schemas = components["schemas"];

export type Role = "admin" | "teacher" | "student";
type Answered = Schemas["WhoAmI"];
/** Who is logged in. */
export type WhoAmI = Answered & { role: Role; id: string; name: string; expires_at: string };
/** What `GET /api/session` answers to somebody who isn't logged in. */
export type Nobody = Answered & { role: null; must_change_password: false };
export type Health = Schemas["Health"];

export type Status = Schemas["Status"];
export type Source = Schemas["Source"];
export type SessionType = Schemas["SessionType"];

export type Device = Schemas["Scanner"];
/** A scanner as administrators see it. */
export type Scanner = Schemas["AdminScanner"];
export type PairingCode = Schemas["PairingCode"];

export type OpenSession = Schemas["OpenSession"];
export type TeacherCourse = Schemas["TaughtCourse"];
export type Session = Schemas["Session"];
export type RosterEntry = Schemas["RosterEntry"];
export type Snapshot = Schemas["Snapshot"];
export type Mark = Schemas["Mark"];
export type OnlineStatus = Schemas["OnlineStatus"];
export type OnlineFlag = Schemas["Flag"];
export type StartedOnline = Schemas["StartedOnline"];
export type HistoryEntry = Schemas["PastSession"];
export type Letter = "P" | "L" | "A" | "E";
export type Report = Schemas["Report"];

export type Semester = Schemas["Semester"];
export type Teacher = Schemas["Teacher"];
export type Student = Schemas["Student"];
export type Course = Schemas["Course"];
export type Enrolled = Schemas["Enrolled"];
export type Enrolments = Schemas["Enrolments"];
export type Settings = Schemas["Settings"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditTrail = Schemas["AuditTrail"];
export type Backup = Schemas["Backup"];
export type ImportedStudents = Schemas["ImportedStudents"];
export type ImportedDatabase = Schemas["ImportedDatabase"];
export type ImportBegun = Schemas["ImportBegun"];
/** What taking an import of students back does, or did. */
export type ImportUndo = Schemas["ImportUndo"];
export type ImportProgress = Schemas["ImportProgress"];
export type BackupProgress = Schemas["BackupProgress"];
export type SyncStatus = Schemas["SyncStatus"];
/** What syncing left for an administrator to decide. */
export type ToDecide = Schemas["ToDecide"];
export type Conflict = Schemas["Conflict"];
export type Edit = Schemas["Edit"];
export type Doubles = Schemas["Doubles"];
export type StudentToReview = Schemas["StudentToReview"];
export type Node = Schemas["NodeView"];
export type JoinCode = Schemas["NodeMade"];

export type Overview = Schemas["Overview"];
export type CourseSummary = Schemas["CourseSummary"];
export type Standing = Schemas["CourseAnalyticsStudent"]["status"];
export type CourseAnalytics = Schemas["CourseAnalytics"];
export type CourseOfTeacherAnalytics = Schemas["TeacherCourseAnalytics"];
export type TrendPoint = Schemas["TrendPoint"];
export type StudentAnalytics = Schemas["StudentStanding"];
export type ShortageList = Schemas["ShortageList"];
export type Trends = Schemas["Trends"];

export type Warning = Schemas["OwnCourse"]["warning_status"];
export type Plan = Schemas["Plan"];
export type Badge = Schemas["Badge"];
export type OwnCourse = Schemas["OwnCourse"];
export type Dashboard = Schemas["Dashboard"];
export type OwnSemester = Schemas["OwnSemester"];
export type OwnTrend = Schemas["OwnCourseAnalytics"];
export type OwnAnalytics = Schemas["OwnAnalytics"];
export type OwnLog = Schemas["OwnLog"];
export type Leaderboard = Schemas["Leaderboard"];
