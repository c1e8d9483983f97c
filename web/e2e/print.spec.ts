import type { Page } from "@playwright/test";
import { expect, logInAsAdmin, test } from "./page";
import { seed } from "./seed";
import { pagesOf, type PaperPage } from "./pdf";
import { target } from "./target";

/** Prints the page and checks that each sheet of paper has the size and the table's heading, and each row is on one. */
async function print(page: Page, size: string, heading: string[], rows: string[]): Promise<PaperPage[]> {
  const plain = (text: string) => text.replace(/\s+/g, "");
  const pages = pagesOf(await page.pdf({ preferCSSPageSize: true }));
  expect(pages.map((paper) => paper.size)).toEqual(pages.map(() => size));
  for (const [n, { text }] of pages.entries()) {
    const hasRows = rows.some((row) => text.includes(plain(row)));
    for (const word of hasRows ? heading : []) expect(text, `page ${n + 1}`).toContain(plain(word));
  }
  const all = pages.map(({ text }) => text).join("\n");
  for (const row of rows) expect(all.split(plain(row)).length - 1, row).toBeGreaterThanOrEqual(1);
  return pages;
}

/** What a table needs so that each page repeats its heading and no row is cut. */
async function expectTableForPaper(page: Page): Promise<void> {
  const table = page.getByRole("table").first();
  await expect(table.locator("thead")).toHaveCSS("display", "table-header-group");
  await expect(table.locator("tbody tr").first()).toHaveCSS("break-inside", "avoid");
  for (const chrome of [page.getByRole("button"), page.getByRole("navigation"), page.getByRole("banner")]) {
    await expect(chrome.filter({ visible: true })).toHaveCount(0);
  }
  // Nothing is cut off at the side: what scrolls on a screen lies open on paper.
  await expect(table.locator("xpath=ancestor::*[contains(@class,'frame') or contains(@class,'sheet')]").first()).toHaveCSS("overflow", "visible");
}

test("the register, the sign-in sheet and the shortage list on paper", async ({ page }) => {
  test.skip(!target.teacher, "a course with a history is needed");
  const login = await page.request.post("/api/teacher/login", { data: { course_code: target.teacher!.course_code, pin: target.teacher!.pin } });
  expect(login.ok(), await login.text()).toBe(true);
  const courses = (await (await page.request.get("/api/teacher/courses")).json()) as { id: string; course_code: string; enrolled_count: number }[];
  const course = courses.find(({ course_code }) => course_code === target.teacher!.course_code)!;

  await page.goto(`/t/c/${course.id}/register`);
  await expect(page.getByRole("table").getByRole("row")).toHaveCount(course.enrolled_count + 1);
  await page.emulateMedia({ media: "print" });
  await expectTableForPaper(page);
  await expect(page.locator("caption")).toBeVisible();
  await expect(page.getByText("Signature of the teacher")).toBeVisible();
  const report = (await (await page.request.get(`/api/teacher/report/${course.id}`)).json()) as { students: { university_roll_no: string }[] };
  const rolls = report.students.map(({ university_roll_no }) => university_roll_no);
  const register = await print(page, "297 × 210", ["Roll", "Student", "%"], rolls);
  expect(register.length, "a register of several pages").toBeGreaterThan(1);
  expect(register.at(-1)!.text).toContain("Signatureoftheteacher");
  console.log(`figure: the register of ${course.enrolled_count} students on paper: ${register.length} pages`);

  await page.emulateMedia({ media: "screen" });
  await page.goto(`/t/c/${course.id}/sheet`);
  await expect(page.getByRole("table").getByRole("row")).toHaveCount(course.enrolled_count + 1);
  await page.emulateMedia({ media: "print" });
  await expectTableForPaper(page);
  const sheet = await print(page, "210 × 297", ["Roll", "University roll no.", "Signature"], rolls);
  expect(sheet.length).toBeGreaterThan(1);
  await page.emulateMedia({ media: "screen" });

  await page.context().clearCookies();
  await seed();
  await logInAsAdmin(page);
  const semesters = (await (await page.request.get("/api/admin/semesters")).json()) as { id: string; semester_name: string }[];
  let short = 0;
  for (const { id, semester_name } of semesters) {
    const list = (await (await page.request.get(`/api/admin/report/shortage/${id}?format=json`)).json()) as { students: { university_roll_no: string }[] };
    if (list.students.length === 0) continue;
    short = list.students.length;
    await page.goto("/a/analytics/shortage");
    await page.getByLabel("Semester").selectOption({ label: semester_name });
    await expect(page.getByRole("table").getByRole("row")).toHaveCount(short + 1);
    const saved = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download .xlsx" }).press("Enter");
    expect((await saved).suggestedFilename()).toMatch(/^shortage-.*\.xlsx$/);
    await page.emulateMedia({ media: "print" });
    await expectTableForPaper(page);
    await expect(page.getByText("Signature", { exact: true })).toBeVisible();
    await print(page, "210 × 297", ["Name", "Course", "Has to attend"], list.students.map(({ university_roll_no }) => university_roll_no));
    break;
  }
  expect(short, "somebody is short of attendance").toBeGreaterThan(0);
});
