import type { Page } from "@playwright/test";
import { expectAccessible } from "./axe";
import {
  endSession,
  expect,
  expectNoSidewaysScroll,
  logInAsAdmin,
  logInAsStudent,
  logInAsTeacher,
  startOnline,
  startSession,
  test,
} from "./page";
import { SignedScanner } from "./scanner";
import { seed } from "./seed";

// The longest of all files: its tests are spread over the workers.
test.describe.configure({ mode: "parallel" });

for (const width of [1366, 360, 320]) {
  test.describe(`${width} px`, () => {
    test.use({ colorScheme: "light", viewport: { width, height: 740 } });

    async function check(page: Page, what: string) {
      await expectNoSidewaysScroll(page);
      // At 320 px the layout is that of 360: only its width is in question.
      if (width > 320) await expectAccessible(page, what);
    }

    test("log in", async ({ page }) => {
      for (const role of ["teacher", "admin", "student"]) {
        await page.goto(`/login?as=${role}`);
        await expect(page.getByRole("heading", { name: "Log in" })).toBeVisible();
        await check(page, `login as ${role}`);
      }
      await page.getByRole("button", { name: "Log in" }).click();
      await check(page, "login with fields missing");
    });

    test("help", async ({ page }) => {
      await page.goto("/help");
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await check(page, "help");
    });

    test("components", async ({ page }) => {
      const there = await page.request.get("/dev/components");
      test.skip(there.status() === 404, "only a debug build has this page");
      await page.goto("/dev/components");
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await check(page, "components");
    });

    test("teacher", async ({ page }) => {
      // Some twenty screens, each gone through by axe.
      test.setTimeout(18 * 60_000);
      const seeded = await seed();
      await logInAsTeacher(page, seeded);
      await page.goto("/t");
      await expect(page.getByRole("heading", { level: 2 }).first()).toBeVisible();
      await page.locator("summary").click();
      await check(page, "Today with options");
      await page.getByRole("button", { name: /^Account/ }).click();
      await check(page, "account menu");

      const id = await startSession(page, seeded);
      await page.goto(`/t/s/${id}`);
      await page.getByRole("list", { name: "Students" }).getByRole("button").first().click();
      await expect(page.getByRole("button", { name: /^Undo/ }).first()).toBeVisible();
      await check(page, "live");
      await page.getByRole("button", { name: /^Change mark/ }).first().click();
      await check(page, "mark dialog");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Mark many" }).click();
      await check(page, "mark many");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "End", exact: true }).click();
      await check(page, "end dialog");

      await page.goto(`/t/s/${id}/project`);
      await expect(page.getByText("of 12 present")).toBeVisible();
      await check(page, "projector");

      await endSession(page, id);
      await page.goto(`/t/s/${id}`);
      await expect(page.getByRole("button", { name: /^Reopen/ })).toBeVisible();
      await check(page, "report");

      const online = await startOnline(page, seeded);
      await page.goto(`/t/s/${online}`);
      await expect(page.getByRole("region", { name: "Code" }).locator(".digits")).toBeVisible();
      await page.getByText("Link and QR code").click();
      await check(page, "live online");
      const link = await page.getByRole("link", { name: /\/online\// }).getAttribute("href");
      await page.goto(`/t/s/${online}/project`);
      await expect(page.getByLabel("Code", { exact: true })).toBeVisible();
      await check(page, "projector with a code");
      await page.goto(link!);
      await expect(page.getByRole("button", { name: "Mark me present" })).toBeVisible();
      await check(page, "marking page");
      await page.getByLabel("Code").fill("000000");
      await page.getByLabel("University roll number").fill(seeded.students[0]!.roll);
      await page.getByRole("button", { name: "Mark me present" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await check(page, "marking page with a refusal");
      await endSession(page, online);

      await page.goto(`/t/s/${id}`);
      await expect(page.getByRole("button", { name: /^Reopen/ })).toBeVisible();
      await page.getByRole("button", { name: "Delete session" }).click();
      await check(page, "delete dialog");

      await page.goto(`/t/c/${seeded.course.id}`);
      await expect(page.getByRole("meter").first()).toBeVisible();
      await check(page, "sessions of a course");
      await page.goto(`/t/c/${seeded.course.id}/register`);
      await expect(page.getByRole("table")).toBeVisible();
      await check(page, "register");

      await page.goto(`/t/c/${seeded.course.id}/figures`);
      await expect(page.getByRole("heading", { name: "Students short of attendance" })).toBeVisible();
      await check(page, "figures of a course");
      await page.getByRole("button", { name: "Show as table" }).click();
      await check(page, "a chart as a table");
      await page.goto(`/t/c/${seeded.course.id}/sheet`);
      await expect(page.getByRole("table")).toBeVisible();
      await check(page, "sign-in sheet");

      await page.goto("/t/nowhere");
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await check(page, "not found");
    });

    test("administrator", async ({ page }) => {
      test.setTimeout(18 * 60_000);
      const seeded = await seed();
      await logInAsAdmin(page);
      const id = seeded.students[0]!.id;
      const screens = [
        "/a",
        "/a/students",
        "/a/students?q=nobody-is-called-this",
        "/a/teachers",
        "/a/courses",
        `/a/courses/${seeded.course.id}/students`,
        "/a/semesters",
        "/a/import",
        "/a/import/older",
        "/a/scanners",
        "/a/sync",
        "/a/decide",
        "/a/backups",
        "/a/settings",
        "/a/setup",
        "/a/audit",
        "/a/analytics/course",
        `/a/analytics/course/${seeded.course.id}`,
        "/a/analytics/student",
        `/a/analytics/student/${id}`,
        "/a/analytics/trends",
        "/a/analytics/shortage",
        `/a/analytics/shortage?semester=${seeded.semester}&left=3`,
        "/a/nowhere",
      ];
      for (const path of screens) {
        await page.goto(path);
        await expect(page.locator("h1")).toBeAttached();
        await expect(page.locator(".skeleton")).toHaveCount(0);
        await check(page, path);
      }
      const scanner = await SignedScanner.pair(page.request, `Axe ${width} ${seeded.course.code}`);
      await scanner.post("/api/device/heartbeat", { enrolled_slots: [1, 4], slot_capacity: 200 });
      await page.goto(`/a/scanners?fingers=${scanner.id}&course=${seeded.course.id}`);
      await expect(page.getByRole("dialog").getByText("10 of 12 students", { exact: false })).toBeVisible();
      await check(page, "fingers by roll");
      await page.getByRole("button", { name: "Let slots belong to students" }).click();
      await expect(page.getByRole("dialog").getByText("Slots belong to students, in every course.")).toBeVisible();
      await check(page, "fingers of students");
      await page.request.delete(`/api/admin/devices/${scanner.id}`);
      await page.goto(`/a/students?q=${seeded.students[0]!.roll}`);
      await page.getByRole("checkbox", { name: `Choose ${seeded.students[0]!.name}` }).check();
      await check(page, "a chosen row");
      await page.getByRole("button", { name: "Enrol in a course" }).click();
      await check(page, "enrolling many");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: seeded.students[0]!.name, exact: false }).first().click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await check(page, "drawer");
      await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
      await expect(page.getByText(/to delete$/)).toBeVisible();
      await check(page, "typed delete");
    });

    test("student", async ({ page }) => {
      await logInAsStudent(page, await seed());
      await page.goto("/me");
      await expect(page.getByRole("heading", { name: "All courses together" })).toBeVisible();
      await check(page, "my attendance");
      await page.goto("/me/leaderboard");
      await expect(page.getByRole("combobox")).toBeVisible();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      await check(page, "leaderboard");
      await page.goto("/me");
      await page.locator('a[href^="/me/c/"]').first().click();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      await check(page, "my course");
      await page.goto("/me/nowhere");
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await check(page, "not found");
    });
  });
}

test.describe("when the server fails", () => {
  // What fails is answered by the test, which workers of the page would not ask.
  test.use({ serviceWorkers: "block", colorScheme: "light", viewport: { width: 360, height: 740 }, failing: true });

  const broken = { error: "It broke", message: "It broke", code: "internal", request_id: "0000abcd" };

  for (const role of ["teacher", "administrator", "student"] as const) {
    test(`every screen of a ${role} says so`, async ({ page }) => {
      test.setTimeout(8 * 60_000);
      const seeded = await seed();
      const { id } = seeded.students[0]!;
      const course = seeded.course.id;
      const screens = {
        teacher: ["/t", "/t/s/019cd0db-0000-7000-8000-000000000000", `/t/c/${course}`, `/t/c/${course}/register`, `/t/c/${course}/figures`, `/t/c/${course}/sheet`],
        administrator: ["/a", "/a/students", "/a/teachers", "/a/courses", `/a/courses/${course}/students`, "/a/semesters", "/a/import?job=019cd0db-0000-7000-8000-000000000000", "/a/scanners", "/a/settings", "/a/setup", "/a/sync", "/a/decide", "/a/backups", "/a/audit", `/a/analytics/course/${course}`, `/a/analytics/student/${id}`, "/a/analytics/trends", "/a/analytics/shortage"],
        student: ["/me", "/me/leaderboard", `/me/c/${course}`],
      }[role];
      await { teacher: () => logInAsTeacher(page, seeded), administrator: () => logInAsAdmin(page), student: () => logInAsStudent(page, seeded) }[role]();
      await page.route(
        (url) => url.pathname.startsWith("/api/") && url.pathname !== "/api/session",
        (route) => route.fulfill({ status: 500, json: broken }),
      );
      for (const path of screens) {
        await page.goto(path);
        await expect.soft(page.getByRole("alert").first(), path).toContainText("It broke");
        await expect.soft(page.getByRole("alert").first(), path).toContainText("0000abcd");
        await expectNoSidewaysScroll(page);
        await expectAccessible(page, `${path} when the server fails`);
      }
    });
  }
});
