import { expect, test as base, type APIRequestContext, type Locator, type Page } from "@playwright/test";
import type { Seed } from "./seed";
import { known, target } from "./target";

/** Every test also asserts that nothing was loaded from elsewhere and that the console had nothing to complain about. */
export const test = base.extend<{ watch: void; failing: boolean }>({
  /** The test makes the server fail, which Chromium reports. */
  failing: [false, { option: true }],
  watch: [
    async ({ page, failing }, use) => {
      const complaints: string[] = [];
      page.on("request", (request) => {
        const url = new URL(request.url());
        if (/^(https?|wss?):$/.test(url.protocol) && !known.has(url.origin)) {
          complaints.push(`request to another host: ${url}`);
        }
      });
      page.on("console", (message) => {
        if (message.type() !== "error") return;
        // Asking who one is before logging in is answered 401, and so is a wrong password. Chromium reports it.
        if (/401 \(/.test(message.text()) && /\/api\/(session|\w+\/login)$/.test(message.location().url)) return;
        // So is what the server refuses because of what was typed; the page says it at that field.
        if (/400 \(/.test(message.text()) && /import/.test(message.location().url)) return;
        if (/(409|422) \(/.test(message.text()) && /\/api\//.test(message.location().url)) return;
        // And what a student is refused on the marking page, which says why.
        if (/(403|404|410) \(/.test(message.text()) && /\/online\//.test(message.location().url)) return;
        if (failing && /500 \(/.test(message.text())) return;
        complaints.push(`console: ${message.text()} ${message.location().url}`);
      });
      page.on("dialog", (dialog) => {
        // What isn't saved yet is asked for before a page is left.
        if (dialog.type() === "beforeunload") return void dialog.accept();
        complaints.push(`a dialog of the browser: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
      await use();
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function logInAsTeacher(page: Page, seed: Seed): Promise<void> {
  const response = await page.request.post("/api/teacher/login", {
    data: { course_code: seed.course.code, pin: seed.teacher.pin },
  });
  expect(response.ok(), await response.text()).toBe(true);
}

export async function logInAsAdmin(page: Page): Promise<void> {
  const response = await page.request.post("/api/admin/login", { data: target.admin });
  expect(response.ok(), await response.text()).toBe(true);
}

export async function logInAsStudent(page: Page, seed: Seed): Promise<void> {
  const { roll, password } = seed.students[0]!;
  const data = target.student ?? { university_roll_no: roll, password };
  const response = await page.request.post("/api/student/login", { data });
  expect(response.ok(), await response.text()).toBe(true);
}

/** A session of the seeded course, fresh: one that another test left open is ended first. */
export async function startSession(page: Page, seed: Seed): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const response = await page.request.post("/api/teacher/start-session", {
      data: { course_id: seed.course.id, duration_minutes: 50, session_type: "offline", topic: "Deadlocks" },
    });
    const body = (await response.json()) as { session_id?: string; code?: string };
    if (response.ok()) return body.session_id!;
    expect([body.code, attempt], JSON.stringify(body)).toEqual(["session_open", 0]);
    await endSession(page, body.session_id!);
  }
}

/** An online class of the seeded course, fresh. */
export async function startOnline(page: Page, seed: Seed): Promise<string> {
  // What another test left open is ended.
  await endSession(page, await startSession(page, seed));
  const response = await page.request.post("/api/teacher/start-online-session", {
    data: { course_id: seed.course.id, duration_minutes: 50, topic: "Paging" },
  });
  expect(response.ok(), await response.text()).toBe(true);
  return ((await response.json()) as { session_id: string }).session_id;
}

export async function endSession(page: Page, id: string): Promise<void> {
  const response = await page.request.post(`/api/teacher/session/${id}/end`, { data: {} });
  expect(response.ok(), await response.text()).toBe(true);
}

export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(excess, `${page.url()} scrolls sideways`).toBeLessThanOrEqual(0);
}

/** Puts `size` students into the seeded course, of whom some are made when the server has fewer; their roll numbers. */
export async function fill(request: APIRequestContext, seed: Seed, size: number): Promise<string[]> {
  const list = () => request.get(`/api/admin/students?limit=${size}`);
  let listed = await list();
  const lacking = size - Number(listed.headers()["x-total-count"]);
  if (lacking > 0) {
    const rows = Array.from({ length: lacking }, (_, n) => `Student ${n} more,ZZ${seed.course.code}${n}`);
    const file = { name: "more.csv", mimeType: "text/csv", buffer: Buffer.from(`name,roll\n${rows.join("\n")}\n`) };
    const imported = await request.post("/api/admin/students/bulk-import", { multipart: { default_password: "e2e-secret", file } });
    expect(imported.status(), await imported.text()).toBe(200);
    listed = await list();
  }
  const students = (await listed.json()) as { id: string; university_roll_no: string }[];
  expect(students).toHaveLength(size);
  await enrol(request, seed, students);
  return students.map(({ university_roll_no }) => university_roll_no);
}

/** Only the seeded students are in the seeded course again. */
export async function refill(request: APIRequestContext, seed: Seed): Promise<void> {
  await enrol(request, seed, seed.students);
}

async function enrol(request: APIRequestContext, seed: Seed, students: { id: string }[]): Promise<void> {
  const places = students.map(({ id }, i) => ({ student_id: id, class_roll_id: i + 1 }));
  const put = await request.post(`/api/admin/enrollments/${seed.course.id}`, { data: places });
  expect(put.ok(), await put.text()).toBe(true);
}

/** Goes to something as who has only a keyboard does, which has to lead there. */
export async function reach(page: Page, goal: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  await expect(goal).toBeVisible();
  for (let pressed = 0; pressed < 120; pressed++) {
    if (await goal.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  await expect(goal, "it can be reached by keyboard").toBeFocused();
}
