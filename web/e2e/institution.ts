import { request, type APIRequestContext } from "@playwright/test";
import { Server } from "./server";

const password = "correct horse battery";
const pin = "493817";

/** What somebody does at one server, through its API. */
export class Desk {
  private constructor(private readonly context: APIRequestContext) {}

  static async of(base: string, role: "admin" | "teacher", data: object): Promise<Desk> {
    const desk = new Desk(await request.newContext({ baseURL: base }));
    await desk.send("POST", `/api/${role}/login`, data);
    return desk;
  }

  async send<T = { id: string }>(method: string, path: string, data?: unknown): Promise<T> {
    // A connection that the server has just closed as idle is opened anew.
    const answer = await this.context.fetch(path, { method, maxRetries: 2, ...(data === undefined ? {} : { data }) });
    const text = await answer.text();
    if (!answer.ok()) throw new Error(`${method} ${path} answered ${answer.status()}: ${text}`);
    return JSON.parse(text) as T;
  }

  async form(path: string, default_password: string, list: string): Promise<void> {
    const file = { name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(list) };
    const answer = await this.context.post(path, { multipart: { default_password, file }, timeout: 120_000 });
    if (answer.status() !== 200) throw new Error(`${path} answered ${answer.status()}: ${await answer.text()}`);
  }

  async leave(): Promise<void> {
    await this.context.dispose();
  }
}

/** A hub and a classroom, which exchange records only when they are told to. */
export class Institution {
  private constructor(
    readonly hub: Server,
    readonly node: Server,
    /** The administrators of both. */
    readonly office: Desk,
    readonly room: Desk,
  ) {}

  static readonly admin = { username: "admin", password };

  static async start(): Promise<Institution> {
    const env = { ADMIN_DEFAULT_PASSWORD: password, TIMEZONE: "Asia/Kolkata", SYNC_INTERVAL_SECONDS: "0" };
    const [hub, node] = await Promise.all([Server.start({ ...env, IS_CLOUD_SERVER: "true" }), Server.start(env)]);
    const office = await Desk.of(hub.base, "admin", Institution.admin);
    const room = await Desk.of(node.base, "admin", Institution.admin);
    return new Institution(hub, node, office, room);
  }

  /** The classroom joins, by whatever leads to the hub. */
  async join(by = this.hub.base): Promise<void> {
    const { join_code } = await this.office.send<{ join_code: string }>("POST", "/api/admin/nodes", { name: "Room 7" });
    await this.room.send("POST", "/api/sync/hub", { url: by, code: join_code });
  }

  /** A list of students comes in at the hub: rows of a name and a roll number. */
  async import(rows: string[]): Promise<void> {
    await this.office.form("/api/admin/students/bulk-import", "chalk-and-duster", `name,roll\n${rows.join("\n")}\n`);
  }

  /** Both have all records afterwards. */
  async sync(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await this.room.send("POST", "/api/sync/push", {});
  }

  /** A course with a teacher and students, made at the hub. Their ids. */
  async course(code: string, names: string[]): Promise<{ course: string; students: string[] }> {
    const semester = await this.office.send("POST", "/api/admin/semesters", { semester_name: `Semester of ${code}` });
    const teacher = { teacher_name: `Teacher of ${code}`, teacher_code: `T${code}`, pin };
    const { id: teacherId } = await this.office.send("POST", "/api/admin/teachers", teacher);
    const { id: course } = await this.office.send("POST", "/api/admin/courses", {
      course_name: `Course ${code}`,
      course_code: code,
      default_duration_minutes: 50,
      semester_id: semester.id,
      teacher_id: teacherId,
    });
    const students: string[] = [];
    for (const [n, name] of names.entries()) students.push((await this.student(this.office, name, `${code}-${n + 1}`)).id);
    const places = students.map((id, n) => ({ student_id: id, class_roll_id: n + 1 }));
    await this.office.send("POST", `/api/admin/enrollments/${course}`, places);
    return { course, students };
  }

  student(desk: Desk, student_name: string, university_roll_no: string): Promise<{ id: string }> {
    return desk.send("POST", "/api/admin/students", { student_name, university_roll_no, password: "chalk-and-duster" });
  }

  teacher(at: Server, course_code: string): Promise<Desk> {
    return Desk.of(at.base, "teacher", { course_code, pin });
  }

  async stop(): Promise<void> {
    await Promise.all([this.office.leave(), this.room.leave()]);
    await Promise.all([this.hub.stop(), this.node.stop()]);
  }
}
