import type { Page } from "@playwright/test";
import { expectAccessible } from "./axe";
import { Institution } from "./institution";
import { expect, expectNoSidewaysScroll, test } from "./page";
import { undecided } from "./undecided";

// Two servers that don't know of each other for a while. Each test begins where the one before it ended.
test.describe.configure({ mode: "serial" });

let both: Institution;
let students: string[];

test.beforeAll(async () => {
  ({ both, students } = await undecided());
});

test.afterAll(() => both.stop());

async function logIn(page: Page): Promise<void> {
  const answer = await page.request.post(`${both.hub.base}/api/admin/login`, { data: Institution.admin });
  expect(answer.ok(), await answer.text()).toBe(true);
}

const card = (page: Page, text: string) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: text }) });

for (const [width, language] of [
  [1366, "en"],
  [360, "en"],
  [360, "hi"],
] as const) {
  test(`it is legible for everybody at ${width} px (${language})`, async ({ page }) => {
    await page.addInitScript((language) => localStorage.setItem("arise.language", language), language);
    await page.setViewportSize({ width, height: 740 });
    await logIn(page);
    for (const path of ["/a/decide", "/a/students", `/a/students?edit=${students[0]}`, "/a", "/a/sync"]) {
      await page.goto(both.hub.base + path);
      await expect(page.locator("h1")).toBeAttached();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      await expect(page.locator(".notice, .card, tbody tr").first()).toBeVisible();
      await expectNoSidewaysScroll(page);
      await expectAccessible(page, `${path} at ${width} px`);
    }
    await page.goto(`${both.hub.base}/a/decide`);
    await page.getByRole("button", { name: /NEW-1|new-1/ }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await expectAccessible(page, `merging at ${width} px`);
  });
}

test("an administrator is told, and finds both values at the field", async ({ page }) => {
  await logIn(page);
  await page.goto(`${both.hub.base}/a`);
  // A name, a password, one student twice, a session and a student that were deleted.
  await expect(page.getByRole("main").getByRole("link", { name: "5 things to decide" })).toBeVisible();
  await expect(page.getByRole("navigation").getByRole("link", { name: /^To decide/ })).toContainText("5");

  await page.getByRole("navigation").getByRole("link", { name: "Students" }).press("Enter");
  const names = ["Asha <b>Rao</b>", "Asha R."];
  const row = page.getByRole("row").filter({ hasText: "CS7-1" });
  const shows = (await row.getByRole("button").first().locator("span").first().textContent())!;
  const other = names.find((name) => name !== shows)!;
  expect(names).toContain(shows);
  await expect(row).toContainText(`or “${other}”`);
  await expect(row).toContainText("Password: changed in two places");
  await expect(page.getByRole("row").filter({ hasText: "CS7-2" })).not.toContainText("or “");

  await row.getByRole("button", { name: shows }).press("Enter");
  const drawer = page.getByRole("dialog");
  await expect(drawer).toContainText("This was changed in two places. What you save stays.");
  await expect(drawer).toContainText("Type a new one to decide.");
  await drawer.getByRole("button", { name: `Use “${other}”` }).press("Enter");
  await expect(drawer.getByLabel("Name")).toHaveValue(other);
  await page.keyboard.press("Escape");
  await expect(row).toContainText(`or “${other}”`);
});

test("it is decided by keyboard, and the classroom hears of it", async ({ page }) => {
  await logIn(page);
  await page.goto(`${both.hub.base}/a/decide`);

  // A value that doesn't show.
  const asha = card(page, "Asha");
  const named = asha.getByRole("list", { name: "Name" });
  await expect(named.getByRole("listitem")).toHaveCount(2);
  await named.getByRole("button", { name: "Keep “Asha <b>Rao</b>”" }).press("Enter");
  await expect(named).toBeHidden();
  await expect(page.getByText("“Asha <b>Rao</b>” stays.")).toBeVisible();
  const secret = asha.getByRole("list", { name: "Password" });
  await expect(secret.getByText("changed", { exact: true })).toHaveCount(2);
  await secret.getByRole("button").first().press("Enter");
  await expect(page.getByRole("heading", { name: "Changed in two places" })).toBeHidden();

  // Two who are one, and who are two again.
  await page.getByRole("button", { name: "Merge the students with new-1" }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: "Zoya Khan" }).press("Space");
  await dialog.getByRole("button", { name: "Merge" }).press("Enter");
  await expect(dialog).toBeHidden();
  const doubles = page.getByRole("heading", { name: "There twice" });
  await expect(doubles).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).press("Enter");
  await expect(doubles).toBeVisible();
  await page.getByRole("button", { name: "Merge the students with new-1" }).press("Enter");
  await dialog.getByRole("radio", { name: "Zoya Khan" }).press("Space");
  await dialog.getByRole("button", { name: "Merge" }).press("Enter");
  await expect(doubles).toBeHidden();
  await page.reload();
  await expect(page.getByRole("region", { name: "Merged students" })).toContainText("is Zoya Khan now");
  await page.getByRole("button", { name: "Part Z. Khan again" }).press("Enter");
  await expect(doubles).toBeVisible();
  await page.getByRole("button", { name: "Merge the students with new-1" }).press("Enter");
  await dialog.getByRole("radio", { name: "Zoya Khan" }).press("Space");
  await dialog.getByRole("button", { name: "Merge" }).press("Enter");
  await expect(doubles).toBeHidden();

  // What was deleted and marked afterwards.
  const session = card(page, "CS7, ");
  await expect(session).toContainText("2 marks came after it was deleted.");
  await session.getByRole("button", { name: /^Bring CS7, .* back$/ }).press("Enter");
  await expect(session).toBeHidden();
  await page.getByRole("button", { name: "Leave Meera Iyer deleted" }).press("Enter");
  await expect(page.getByText("Nothing to decide")).toBeVisible();
  await expect(page.getByRole("navigation").getByRole("link", { name: /^To decide/ })).toHaveText("To decide");

  await both.sync();
  for (const desk of [both.office, both.room]) {
    const left = await desk.send<Record<string, unknown>>("GET", "/api/admin/conflicts");
    expect([left.total_conflicts, left.doubles, left.deleted_sessions, left.deleted_students]).toEqual([0, [], [], []]);
    const listed = await desk.send<{ student_name: string }[]>("GET", "/api/admin/students");
    expect(listed.map(({ student_name }) => student_name).sort()).toEqual(["Asha <b>Rao</b>", "Vikram Nair", "Zoya Khan"]);
  }
});
