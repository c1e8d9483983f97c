import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { endSession, expect, expectNoSidewaysScroll, logInAsTeacher, startSession, test } from "./page";
import { seed } from "./seed";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function expectAccessible(page: Page, what: string): Promise<void> {
  // Colours are measured when nothing moves any more.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations === 1).map((a) => a.finished)));
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  expect(found, what).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1366, 360, 320]) {
    test.describe(`${colorScheme}, ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 740 } });

      async function check(page: Page, what: string) {
        await expectNoSidewaysScroll(page);
        await expectAccessible(page, what);
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

      test("teacher", async ({ page }) => {
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
        await page.getByRole("button", { name: "Delete session" }).click();
        await check(page, "delete dialog");

        await page.goto(`/t/c/${seeded.course.id}`);
        await expect(page.getByRole("meter").first()).toBeVisible();
        await check(page, "sessions of a course");
        await page.goto(`/t/c/${seeded.course.id}/register`);
        await expect(page.getByRole("table")).toBeVisible();
        await check(page, "register");

        await page.goto("/t/nowhere");
        await check(page, "not found");
      });
    });
  }
}
