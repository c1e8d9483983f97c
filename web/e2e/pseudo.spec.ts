import { request, type APIRequestContext, type Page } from "@playwright/test";
import { expect, test } from "./page";
import { Server } from "./server";

// A server on which everything that people typed is in another script. In the made-up language every letter of the
// catalogues has an accent: plain letters on the screen are text that no translation reaches.
const password = "correct horse battery";
const pin = "493817";
let server: Server;
let admin: APIRequestContext;
let ids: { semester: string; course: string; students: string[]; open: string; ended: string; online: string; import: string };

async function send<T = { id: string }>(context: APIRequestContext, path: string, data: unknown): Promise<T> {
  const answer = await context.post(path, { data, maxRetries: 2 });
  const text = await answer.text();
  if (!answer.ok()) throw new Error(`${path} answered ${answer.status()}: ${text}`);
  return JSON.parse(text) as T;
}

test.beforeAll(async () => {
  const env = { ADMIN_DEFAULT_PASSWORD: password, TIMEZONE: "Asia/Kolkata", IS_CLOUD_SERVER: "true" };
  server = await Server.start(env);
  admin = await request.newContext({ baseURL: server.base });
  await send(admin, "/api/admin/login", { username: "admin", password });
  await send(admin, "/api/admin/config", { institution_name: "महाविद्यालय", batch_name: "२०२६" });
  const semester = await send(admin, "/api/admin/semesters", { semester_name: "पहला" });
  const teacher = await send(admin, "/api/admin/teachers", { teacher_name: "मीरा", teacher_code: "11", pin });
  const made = async (course_name: string, course_code: string) =>
    send(admin, "/api/admin/courses", {
      course_name,
      course_code,
      default_duration_minutes: 50,
      semester_id: semester.id,
      teacher_id: teacher.id,
    });
  const course = await made("गणित", "101");
  const other = await made("भौतिकी", "102");
  const students: string[] = [];
  for (const [n, student_name] of ["आशा", "विक्रम", "ज़ोया"].entries()) {
    const student = { student_name, university_roll_no: `2026${n}`, enrollment_no: `77${n}`, email1: "", password };
    students.push((await send(admin, "/api/admin/students", student)).id);
  }
  const places = students.map((student_id, n) => ({ student_id, class_roll_id: n + 1 }));
  for (const { id } of [course, other]) await send(admin, `/api/admin/enrollments/${id}`, places);
  await send(admin, "/api/admin/devices", { name: "७", room: "१२" });
  await send(admin, "/api/admin/nodes", { name: "कक्ष" });
  const list = { name: "1.csv", mimeType: "text/csv", buffer: Buffer.from("name,roll\nनया,9001\n") };
  const imported = await admin.post("/api/admin/students/bulk-import", {
    multipart: { default_password: password, background: "1", file: list },
  });
  const job = ((await imported.json()) as { job_id: string }).job_id;
  await admin.post("/api/admin/backups", { data: {} });

  const desk = await request.newContext({ baseURL: server.base });
  await send(desk, "/api/teacher/login", { course_code: "101", pin });
  const start = { course_id: course.id, duration_minutes: 50, session_type: "offline", topic: "१" };
  const mark = (session: string, student_id: string, status: string) =>
    send(desk, `/api/teacher/session/${session}/mark`, { student_id, status, reason: "१" });
  const ended = (await send<{ session_id: string }>(desk, "/api/teacher/start-session", start)).session_id;
  await mark(ended, students[0]!, "present");
  await mark(ended, students[1]!, "late");
  await send(desk, `/api/teacher/session/${ended}/end`, {});
  const open = (await send<{ session_id: string }>(desk, "/api/teacher/start-session", start)).session_id;
  await mark(open, students[0]!, "present");
  const class2 = { course_id: other.id, duration_minutes: 50, topic: "२" };
  const online = (await send<{ session_id: string }>(desk, "/api/teacher/start-online-session", class2)).session_id;
  await desk.dispose();
  ids = { semester: semester.id, course: course.id, students, open, ended, online, import: job };
});

test.afterAll(async () => {
  await admin?.dispose();
  await server?.stop();
});

/** What is the same in every language, or was made by a machine. */
const anyLanguage = [
  /\barise-[\w.-]+\.db\b/g,
  /\barise\b/g,
  // The browser's, for times.
  /\b[ap]m\b/g,
  // Languages are named in themselves.
  /\bEnglish\b/g,
  /\b(https?:\/\/)?127\.0\.0\.1\S*/g,
  /\bAsia\/Kolkata\b/g,
  /\badmin\b/g,
  /\b(dBm|MB|QR|xlsx|CSV|PIN)\b/g,
];

/** What people read on the page, or hear: texts and the attributes that stand for texts. */
function texts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (!node.parentElement?.closest("script, style, noscript, [translate=no]")) found.push(node.textContent ?? "");
    }
    for (const element of document.body.querySelectorAll("*")) {
      for (const name of ["aria-label", "aria-description", "aria-roledescription", "title", "placeholder", "alt", "label"]) {
        found.push(element.getAttribute(name) ?? "");
      }
    }
    return found;
  });
}

async function expectTranslated(page: Page, what: string): Promise<void> {
  const left = (await texts(page)).filter((text) => /[a-z]/i.test(anyLanguage.reduce((rest, known) => rest.replace(known, ""), text)));
  expect.soft([...new Set(left.map((text) => text.trim()))], what).toEqual([]);
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(server.base + path);
  await expect(page.locator("h1")).toBeAttached();
  await expect(page.locator(".skeleton")).toHaveCount(0);
}

/** Asserts that the made-up language is spoken: otherwise nothing would be found. */
async function inThatLanguage(page: Page): Promise<void> {
  const there = await page.request.get(`${server.base}/dev/components`);
  test.skip(there.status() === 404, "only a debug build has the made-up language");
  await page.addInitScript(() => localStorage.setItem("arise.language", "pseudo"));
}

test("nothing on a screen is English alone: logging in and help", async ({ page }) => {
  await inThatLanguage(page);
  for (const path of ["/login", "/login?as=admin", "/login?as=student", "/help"]) {
    await open(page, path);
    await expect(page.locator("h1")).toHaveText(/[åéîöûñšţ]/);
    await expectTranslated(page, path);
  }
});

test("nothing on a screen is English alone: an administrator", async ({ page }) => {
  test.setTimeout(4 * 60_000);
  await inThatLanguage(page);
  await send(page.request, `${server.base}/api/admin/login`, { username: "admin", password });
  const screens = [
    "/a",
    "/a/students",
    "/a/students?q=12345",
    "/a/students?edit=new",
    `/a/students?edit=${ids.students[0]}`,
    "/a/teachers",
    "/a/teachers?edit=new",
    "/a/courses",
    "/a/courses?edit=new",
    `/a/courses/${ids.course}/students`,
    "/a/semesters",
    "/a/import",
    `/a/import?job=${ids.import}`,
    "/a/import/older",
    "/a/scanners",
    "/a/scanners?edit=new",
    "/a/sync",
    "/a/sync?edit=new",
    "/a/decide",
    "/a/backups",
    "/a/settings",
    "/a/setup",
    "/a/audit",
    "/a/analytics/course",
    `/a/analytics/course/${ids.course}`,
    "/a/analytics/student",
    `/a/analytics/student/${ids.students[1]}`,
    "/a/analytics/trends",
    "/a/analytics/shortage",
    `/a/analytics/shortage?semester=${ids.semester}&left=3`,
    "/a/nowhere",
  ];
  for (const path of screens) {
    await open(page, path);
    await expectTranslated(page, path);
  }
});

test("nothing on a screen is English alone: a teacher and the projector", async ({ page }) => {
  test.setTimeout(4 * 60_000);
  await inThatLanguage(page);
  await send(page.request, `${server.base}/api/teacher/login`, { course_code: "101", pin });
  await open(page, "/t");
  // What is under “Options” is on the page, unfolded or not.
  await expectTranslated(page, "/t");
  await open(page, `/t/s/${ids.open}`);
  await expect(page.getByRole("button", { pressed: true }).first()).toBeVisible();
  await expectTranslated(page, "live");
  const screens = [
    `/t/s/${ids.open}/project`,
    `/t/s/${ids.online}`,
    `/t/s/${ids.online}/project`,
    `/t/s/${ids.ended}`,
    `/t/c/${ids.course}`,
    `/t/c/${ids.course}/register`,
    `/t/c/${ids.course}/figures`,
    `/t/c/${ids.course}/sheet`,
    "/t/nowhere",
  ];
  for (const path of screens) {
    await open(page, path);
    if (path.endsWith(ids.online)) await expect(page.locator(".digits")).toBeVisible();
    await expectTranslated(page, path);
  }
});

test("nothing on a screen is English alone: a student", async ({ page }) => {
  await inThatLanguage(page);
  await send(page.request, `${server.base}/api/student/login`, { university_roll_no: "20260", password });
  for (const path of ["/me", "/me/leaderboard", `/me/c/${ids.course}`, "/me/nowhere"]) {
    await open(page, path);
    await expectTranslated(page, path);
  }
});
