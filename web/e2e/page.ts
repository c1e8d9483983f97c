import { expect, test as base, type Page } from "@playwright/test";
import type { Seed } from "./seed";
import { target } from "./target";

/** Every test also asserts that nothing was loaded from elsewhere and that the console had nothing to complain about. */
export const test = base.extend<{ watch: void; failing: boolean }>({
  /** The test makes the server fail, which Chromium reports. */
  failing: [false, { option: true }],
  watch: [
    async ({ page, failing }, use) => {
      const complaints: string[] = [];
      page.on("request", (request) => {
        const url = new URL(request.url());
        if (/^(https?|wss?):$/.test(url.protocol) && url.origin !== new URL(target.base).origin) {
          complaints.push(`request to another host: ${url}`);
        }
      });
      page.on("console", (message) => {
        if (message.type() !== "error") return;
        // Asking who one is before logging in is answered 401, and Chromium reports it.
        if (/401 \(/.test(message.text()) && /\/api\/session$/.test(message.location().url)) return;
        // So is what the server refuses because of what was typed; the page says it at that field.
        if (/(409|422) \(/.test(message.text()) && /\/api\//.test(message.location().url)) return;
        if (failing && /500 \(/.test(message.text())) return;
        complaints.push(`console: ${message.text()} ${message.location().url}`);
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

export async function endSession(page: Page, id: string): Promise<void> {
  const response = await page.request.post(`/api/teacher/session/${id}/end`, { data: {} });
  expect(response.ok(), await response.text()).toBe(true);
}

export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(excess, `${page.url()} scrolls sideways`).toBeLessThanOrEqual(0);
}
