import { endSession, expect, logInAsAdmin, test } from "./page";
import { request, type APIRequestContext } from "@playwright/test";
import { target } from "./target";

const run = Date.now().toString(36).toUpperCase();
/** Runs wherever text becomes markup, in an element, an attribute or a script. */
const evil = (n: number) => `"><img src=x onerror=alert(${n})>`;
const shown = "<img src=x onerror=alert(";

async function send(context: APIRequestContext, path: string, data: object): Promise<{ id: string; [more: string]: unknown }> {
  const response = await context.post(path, { data });
  expect(response.ok(), `${path}: ${await response.text()}`).toBe(true);
  return (await response.json()) as { id: string };
}

// A dialog fails every test (page.ts), and the policy of the pages would refuse such a script besides.
test("what was typed is text, in every field and wherever it is shown", async ({ page, browser }) => {
  test.setTimeout(6 * 60_000);
  const admin = await request.newContext({ baseURL: target.base });
  await send(admin, "/api/admin/login", target.admin);
  const semester = await send(admin, "/api/admin/semesters", { semester_name: `${evil(1)}${run}` });
  const teacher = await send(admin, "/api/admin/teachers", { teacher_name: evil(2), teacher_code: `${evil(3)}${run}`.slice(-50), pin: "274916" });
  const code = `${run}${evil(4)}`;
  const course = await send(admin, "/api/admin/courses", {
    course_name: evil(5),
    course_code: code,
    default_duration_minutes: 50,
    semester_id: semester.id,
    teacher_id: teacher.id,
  });
  const roll = `${run}${evil(6)}`;
  const student = await send(admin, "/api/admin/students", {
    student_name: evil(7),
    university_roll_no: roll,
    enrollment_no: `${run}${evil(8)}`,
    email1: `${run}@example.edu`,
    password: "typed-secret",
  });
  await send(admin, `/api/admin/enrollments/${course.id}`, [{ student_id: student.id, class_roll_id: 1 }]);
  const device = await send(admin, "/api/admin/devices", { name: `${evil(9)}${run}`, room: evil(10) });
  const node = await send(admin, "/api/admin/nodes", { name: `${run}${evil(11)}` });

  const login = await page.request.post("/api/teacher/login", { data: { course_code: code, pin: "274916" } });
  expect(login.ok(), await login.text()).toBe(true);
  const online = await send(page.request, "/api/teacher/start-online-session", { course_id: course.id, duration_minutes: 50, topic: evil(12) });
  const id = online.session_id as string;
  await send(page.request, `/api/teacher/session/${id}/mark`, { student_id: student.id, status: "present", reason: evil(13) });

  const visit = async (path: string) => {
    // A page that still goes somewhere by itself interrupts this.
    await expect(() => page.goto(path)).toPass();
    await expect(page.getByText(shown).or(page.locator(`option:text("${shown}")`)).first(), path).toBeAttached();
    await expect(page.locator(".skeleton"), path).toHaveCount(0);
    expect(await page.locator('img[src="x"]').count(), `${path} made markup of text`).toBe(0);
  };
  // Other tests fill the trail meanwhile: what is looked for may be on a later page.
  const inAudit = async (text: string) => {
    await page.goto("/a/audit");
    await expect(async () => {
      if (!(await page.getByText(text).first().isVisible())) await page.getByRole("button", { name: "Show older" }).click({ timeout: 2_000 });
      await expect(page.getByText(text).first()).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 90_000 });
    expect(await page.locator('img[src="x"]').count(), "the audit trail made markup of text").toBe(0);
  };
  for (const path of ["/t", `/t/s/${id}`, `/t/s/${id}/project`, `/t/c/${course.id}`, `/t/c/${course.id}/register`, `/t/c/${course.id}/sheet`]) await visit(path);
  // The reason, where it is edited too.
  await page.goto(`/t/s/${id}`);
  await expect(page.getByRole("list", { name: "Students" })).toContainText(evil(13));
  await page.getByRole("button", { name: /^Change mark/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  const path = (online.session_url as string).replace(/^https?:\/\/[^/]+/, "");
  const phone = await (await browser.newContext({ baseURL: target.base })).newPage();
  phone.on("dialog", () => expect.soft(false, "a script ran").toBe(true));
  await phone.goto(path);
  await expect(phone.getByRole("heading", { level: 1 })).toHaveText(evil(5));
  await phone.getByLabel("Code").fill(String(online.current_otp));
  await phone.getByLabel("University roll number").fill(roll);
  await phone.getByRole("button", { name: "Mark me present" }).click();
  await expect(phone.getByRole("status")).toContainText(evil(7));
  await phone.goto(path);
  await expect(phone.locator('img[src="x"]')).toHaveCount(0);
  await phone.context().close();

  await endSession(page, id);
  for (const path of [`/t/s/${id}`, `/t/c/${course.id}/figures`]) await visit(path);
  await page.goto("/login");
  await page.context().clearCookies();
  await visit("/login");

  await logInAsAdmin(page);
  for (const path of [
    "/a",
    `/a/students?q=${run}`,
    `/a/students?q=${run}&edit=${student.id}`,
    `/a/teachers?q=${run}&edit=${teacher.id}`,
    `/a/courses?q=${run}&edit=${course.id}`,
    `/a/semesters?q=${run}&edit=${semester.id}`,
    `/a/courses/${course.id}/students`,
    "/a/scanners",
    `/a/scanners?fingers=${device.id}&course=${course.id}`,
    "/a/sync",
    `/a/analytics/course/${course.id}`,
    `/a/analytics/student/${student.id}`,
    "/a/analytics/trends",
    `/a/analytics/shortage?semester=${semester.id}`,
  ]) {
    await visit(path);
  }
  await inAudit(shown);

  await page.context().clearCookies();
  const own = await page.request.post("/api/student/login", { data: { university_roll_no: roll, password: "typed-secret" } });
  expect(own.ok(), await own.text()).toBe(true);
  for (const path of ["/me", `/me/c/${course.id}`, "/me/leaderboard"]) await visit(path);

  // Others are not to meet them.
  await page.context().clearCookies();
  const again = await page.request.post("/api/teacher/login", { data: { course_code: code, pin: "274916" } });
  expect(again.ok()).toBe(true);
  const gone = await page.request.delete(`/api/teacher/session/${id}/delete`, { data: { reason: evil(14) } });
  expect(gone.ok(), await gone.text()).toBe(true);
  await logInAsAdmin(page);
  await inAudit(evil(14));
  for (const [what, { id }] of Object.entries({ students: student, courses: course, teachers: teacher, semesters: semester, devices: device, nodes: node })) {
    const deleted = await admin.delete(`/api/admin/${what}/${id}`);
    expect(deleted.ok(), `${what}: ${await deleted.text()}`).toBe(true);
  }
  await admin.dispose();
});
