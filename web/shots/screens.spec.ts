import { expect, test, type Page } from "@playwright/test";
import { Institution } from "../e2e/institution";
import { target } from "../e2e/target";
import { undecided } from "../e2e/undecided";

interface Demo {
  teacher: { course_code: string; pin: string };
  student: { university_roll_no: string; password: string };
}
const demo = JSON.parse(process.env.ARISE_E2E ?? "{}") as Partial<Demo>;
const out = process.env.SCREENSHOTS ?? "../screenshots";

async function logIn(page: Page, role: "admin" | "teacher" | "student") {
  const data = { admin: target.admin, teacher: demo.teacher, student: demo.student }[role];
  test.skip(!data, `the server told no login of a ${role}`);
  const response = await page.request.post(`/api/${role}/login`, { data });
  expect(response.ok(), await response.text()).toBe(true);
}

async function get<T>(page: Page, path: string): Promise<T> {
  return (await page.request.get(path)).json() as Promise<T>;
}

for (const scheme of ["light", "dark"] as const) {
  for (const width of [1366, 360]) {
    test.describe(`${width} ${scheme}`, () => {
      test.use({ colorScheme: scheme, viewport: { width, height: width === 360 ? 740 : 768 } });

      async function shot(page: Page, name: string, fullPage = true) {
        await page.waitForTimeout(400);
        await expect(page.locator(".skeleton")).toHaveCount(0);
        await page.screenshot({ path: `${out}/${name}-${width}-${scheme}.png`, fullPage });
      }

      test("log in", async ({ page }) => {
        for (const role of ["teacher", "admin", "student"]) {
          await page.goto(`/login?as=${role}`);
          await shot(page, `login-${role}`);
        }
      });

      test("teacher", async ({ page }) => {
        await logIn(page, "teacher");
        await page.goto("/t");
        await expect(page.getByRole("heading", { level: 2 }).first()).toBeVisible();
        await shot(page, "today");
        const courses = await get<{ id: string; open_session: { session_id: string } | null }[]>(page, "/api/teacher/courses");
        const live = courses.find(({ open_session }) => open_session);
        if (live) {
          const id = live.open_session!.session_id;
          await page.goto(`/t/s/${id}`);
          await expect(page.getByRole("list", { name: "Students" })).toBeVisible();
          await page.waitForTimeout(1500);
          await page.screenshot({ path: `${out}/live-${width}-${scheme}.png` });
          await page.getByRole("button", { name: /^Change mark/ }).first().click();
          await page.screenshot({ path: `${out}/live-mark-${width}-${scheme}.png` });
          await page.keyboard.press("Escape");
          await page.getByRole("button", { name: "Mark many" }).click();
          await page.screenshot({ path: `${out}/live-many-${width}-${scheme}.png` });
          await page.keyboard.press("Escape");
          await page.getByRole("button", { name: "End", exact: true }).click();
          await page.screenshot({ path: `${out}/live-end-${width}-${scheme}.png` });
          await page.goto(`/t/s/${id}/project`);
          await expect(page.locator("h1")).toBeVisible();
          await page.waitForTimeout(800);
          await page.screenshot({ path: `${out}/projector-${width}-${scheme}.png` });
        }
        // An online class of a course that has none open, for as long as its pictures take.
        const idle = courses.find(({ open_session }) => !open_session);
        if (idle) {
          const started = await page.request.post("/api/teacher/start-online-session", {
            data: { course_id: idle.id, duration_minutes: 50, topic: "Revision" },
          });
          expect(started.ok(), await started.text()).toBe(true);
          const { session_id, session_url } = (await started.json()) as { session_id: string; session_url: string };
          await page.goto(`/t/s/${session_id}`);
          await expect(page.locator(".digits")).toBeVisible();
          await shot(page, "live-online", false);
          await page.goto(`/t/s/${session_id}/project`);
          await expect(page.locator(".digits")).toBeVisible();
          await shot(page, "projector-online", false);
          await page.goto(session_url);
          await shot(page, "marking");
          await page.getByLabel("Code").fill("000000");
          await page.getByLabel("University roll number").fill("UR1");
          await page.getByRole("button", { name: "Mark me present" }).click();
          await shot(page, "marking-refused");
          const ended = await page.request.post(`/api/teacher/session/${session_id}/end`, { data: {} });
          expect(ended.ok(), await ended.text()).toBe(true);
        }
        const course = (live ?? courses[0]!).id;
        await page.goto(`/t/c/${course}`);
        await shot(page, "sessions", false);
        await page.goto(`/t/c/${course}/register`);
        await expect(page.getByRole("table")).toBeVisible();
        await shot(page, "register", false);
        await page.goto(`/t/c/${course}/figures`);
        await expect(page.getByRole("heading", { name: "Students short of attendance" })).toBeVisible();
        await shot(page, "figures", false);
        await page.goto(`/t/c/${course}/sheet`);
        await expect(page.getByRole("table")).toBeVisible();
        await shot(page, "sheet", false);
        const { sessions } = await get<{ sessions: { id: string; is_active: boolean }[] }>(page, `/api/teacher/history/${course}`);
        await page.goto(`/t/s/${sessions.find(({ is_active }) => !is_active)!.id}`);
        await shot(page, "report", false);
      });

      test("administrator", async ({ page }) => {
        await logIn(page, "admin");
        const [course] = await get<{ id: string }[]>(page, "/api/admin/courses?limit=1");
        const [semester] = await get<{ id: string }[]>(page, "/api/admin/semesters");
        const [student] = await get<{ id: string }[]>(page, "/api/admin/students?limit=1");
        expect((await page.request.post("/api/admin/backups", { data: {} })).ok()).toBe(true);
        const screens: Record<string, string> = {
          overview: "/a",
          students: "/a/students",
          "students-search": "/a/students?q=rao&sort=-student_name",
          teachers: "/a/teachers",
          courses: "/a/courses",
          semesters: "/a/semesters",
          import: "/a/import",
          "import-older": "/a/import/older",
          sync: "/a/sync",
          decide: "/a/decide",
          backups: "/a/backups",
          shortage: `/a/analytics/shortage?semester=${semester!.id}`,
          enrolment: `/a/courses/${course!.id}/students`,
          scanners: "/a/scanners",
          settings: "/a/settings",
          setup: "/a/setup",
          history: "/a/audit",
          "by-course": `/a/analytics/course/${course!.id}`,
          "by-student": `/a/analytics/student/${student!.id}`,
          trends: "/a/analytics/trends",
        };
        for (const [name, path] of Object.entries(screens)) {
          await page.goto(path);
          await expect(page.locator("h1")).toBeVisible();
          await shot(page, `admin-${name}`, false);
        }
        await page.goto("/a/import");
        const list = "name,roll no,e-mail,hostel\nAsha Rao,NEW001,asha@example.edu,B\nVikram Nair,NEW002,,A\nMira,NEW002,,A\n,NEW004,,C\n";
        await page.getByLabel("File", { exact: true }).setInputFiles({ name: "students.csv", mimeType: "text/csv", buffer: Buffer.from(list) });
        await expect(page.getByRole("table")).toBeVisible();
        await shot(page, "admin-import-checked", false);
        await page.getByLabel("Password for all of them").fill("list-secret");
        await page.keyboard.press("Enter");
        await expect(page.getByRole("button", { name: "Take this import back" })).toBeVisible();
        await shot(page, "admin-import-done", false);
        await page.getByRole("button", { name: "Take this import back" }).click();
        await expect(page.getByRole("dialog").getByRole("button").last()).toContainText("Delete");
        await shot(page, "admin-import-undo", false);
        await page.getByRole("dialog").getByRole("button").last().click();
        await expect(page.getByRole("heading", { name: /^The import is taken back/ })).toBeVisible();
        await shot(page, "admin-import-undone", false);
        const [scanner] = await get<{ id: string }[]>(page, "/api/admin/devices");
        await page.goto(`/a/scanners?fingers=${scanner!.id}&course=${course!.id}`);
        await expect(page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
        await shot(page, "admin-fingers", false);
        await page.goto(`/a/students?edit=${student!.id}`);
        await expect(page.getByRole("dialog")).toBeVisible();
        await shot(page, "admin-student-drawer", false);
        await page.getByRole("button", { name: "Delete", exact: true }).click();
        await shot(page, "admin-student-delete", false);
      });

      test("student", async ({ page }) => {
        await logIn(page, "student");
        const { courses } = await get<{ courses: { course_id: string }[] }>(page, "/api/student/dashboard");
        const screens: Record<string, string> = {
          home: "/me",
          course: `/me/c/${courses[0]!.course_id}`,
          leaderboard: "/me/leaderboard",
        };
        for (const [name, path] of Object.entries(screens)) {
          await page.goto(path);
          await expect(page.locator("h1")).toBeVisible();
          await shot(page, `student-${name}`, false);
        }
      });
    });
  }
}

test.describe("what syncing left to decide", () => {
  let both: Institution;
  let students: string[];
  test.beforeAll(async () => ({ both, students } = await undecided()));
  test.afterAll(() => both.stop());

  for (const scheme of ["light", "dark"] as const) {
    for (const width of [1366, 360]) {
      test(`${width} ${scheme}`, async ({ page }) => {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width, height: width === 360 ? 740 : 768 });
        const { base } = both.hub;
        const answer = await page.request.post(`${base}/api/admin/login`, { data: Institution.admin });
        expect(answer.ok(), await answer.text()).toBe(true);
        const shot = async (name: string, path: string, fullPage = false) => {
          await page.goto(base + path);
          await expect(page.locator("h1")).toBeVisible();
          await expect(page.locator(".skeleton")).toHaveCount(0);
          await page.waitForTimeout(400);
          await page.screenshot({ path: `${out}/${name}-${width}-${scheme}.png`, fullPage });
        };
        await shot("decide-told", "/a/students");
        await shot("decide-drawer", `/a/students?edit=${students[0]}`);
        await shot("decide-sync", "/a/sync");
        await shot("decide", "/a/decide", true);
        await page.getByRole("button", { name: /^Merge the students/ }).click();
        await page.waitForTimeout(400);
        await page.screenshot({ path: `${out}/decide-merge-${width}-${scheme}.png` });
      });
    }
  }
});

for (const width of [1366, 360]) {
  test.describe(`${width} hindi`, () => {
    test.use({ viewport: { width, height: width === 360 ? 740 : 768 } });

    test("every kind of screen", async ({ page }) => {
      await page.addInitScript(() => localStorage.setItem("arise.language", "hi"));
      const shot = async (name: string, path: string) => {
        await page.goto(path);
        await expect(page.locator("h1")).toBeVisible();
        await page.waitForTimeout(400);
        await expect(page.locator(".skeleton")).toHaveCount(0);
        await page.screenshot({ path: `${out}/hindi-${name}-${width}.png` });
      };
      await shot("login", "/login");
      await logIn(page, "teacher");
      const courses = await get<{ id: string; open_session: { session_id: string } | null }[]>(page, "/api/teacher/courses");
      const course = courses.find(({ open_session }) => open_session) ?? courses[0]!;
      await shot("today", "/t");
      if (course.open_session) await shot("live", `/t/s/${course.open_session.session_id}`);
      await shot("register", `/t/c/${course.id}/register`);
      await shot("figures", `/t/c/${course.id}/figures`);
      await logIn(page, "admin");
      await shot("overview", "/a");
      await shot("students", "/a/students");
      await shot("enrolment", `/a/courses/${course.id}/students`);
      await shot("settings", "/a/settings");
      await shot("import", "/a/import");
      await shot("history", "/a/audit");
      await logIn(page, "student");
      await shot("student", "/me");
      await shot("leaderboard", "/me/leaderboard");
    });
  });
}
