import { request, type APIRequestContext } from "@playwright/test";
import { target } from "./target";

export interface Seed {
  semester: string;
  course: { id: string; code: string; name: string };
  teacher: { code: string; pin: string };
  students: { id: string; name: string; roll: string; password: string }[];
}

let made: Promise<Seed> | undefined;

/** A teacher with one course of twelve students, made once per run through the API, beside whatever else is there. */
export function seed(): Promise<Seed> {
  return (made ??= make());
}

async function make(): Promise<Seed> {
  const admin = await request.newContext({ baseURL: target.base });
  await send(admin, "/api/admin/login", target.admin);
  const run = `${Date.now().toString(36)}${process.env.TEST_WORKER_INDEX ?? ""}`.toUpperCase();
  const teacher = { code: `T${run}`, pin: "493817" };
  const course = { code: `C${run}`, name: `Course <b>${run}</b>` };

  const semesterId = await send(admin, "/api/admin/semesters", { semester_name: `Semester ${run}` });
  const teacherId = await send(admin, "/api/admin/teachers", {
    teacher_name: `Teacher ${run}`,
    teacher_code: teacher.code,
    pin: teacher.pin,
  });
  const courseId = await send(admin, "/api/admin/courses", {
    course_name: course.name,
    course_code: course.code,
    default_duration_minutes: 50,
    semester_id: semesterId,
    teacher_id: teacherId,
  });
  const students: Seed["students"] = [];
  for (let n = 1; n <= 12; n++) {
    const student = { name: `Student ${n} of ${run}`, roll: `${run}${String(n).padStart(3, "0")}`, password: "e2e-secret" };
    const id = await send(admin, "/api/admin/students", {
      student_name: student.name,
      university_roll_no: student.roll,
      enrollment_no: `E${student.roll}`,
      email1: "",
      email2: "",
      password: student.password,
    });
    students.push({ id, ...student });
  }
  await send(
    admin,
    `/api/admin/enrollments/${courseId}`,
    students.map(({ id }, i) => ({ student_id: id, class_roll_id: i + 1 })),
  );
  await admin.dispose();
  return { semester: semesterId, course: { id: courseId, ...course }, teacher, students };
}

async function send(context: APIRequestContext, path: string, data: unknown): Promise<string> {
  // A connection that the server has just closed as idle is opened anew.
  const response = await context.post(path, { data, maxRetries: 2 });
  const text = await response.text();
  if (!response.ok()) throw new Error(`${path} answered ${response.status()}: ${text}`);
  return String((JSON.parse(text) as { id?: string }).id ?? "");
}
