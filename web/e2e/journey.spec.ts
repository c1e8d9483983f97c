import { expect, test } from "./page";
import { seed } from "./seed";

test("a teacher runs a class without a mouse", async ({ page }) => {
  const { course, teacher, students } = await seed();
  const type = (text: string) => page.keyboard.type(text);
  const press = (key: string) => page.keyboard.press(key);

  await page.goto("/login");
  await page.getByRole("combobox").focus();
  await type(course.code);
  await press("Tab");
  await type(teacher.pin);
  await press("Enter");

  // Two actions from login to live: this is the second.
  const start = page.getByRole("button", { name: "Start", exact: true });
  await expect(start).toBeVisible();
  await start.focus();
  await press("Enter");
  await expect(page).toHaveURL(/\/t\/s\/[^/]+$/);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();

  const roster = page.getByRole("list", { name: "Students" });
  const row = (n: number) => roster.getByRole("button", { name: students[n]!.name, pressed: undefined }).first();
  await row(0).focus();
  await press("Space");
  await expect(row(0)).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByText("of 12 present")).toBeVisible();

  await press("ArrowRight");
  await expect(row(1)).toBeFocused();
  await press("l");
  await expect(row(1)).toContainText("Late");

  await press("u");
  await expect(row(1)).toContainText("Unmarked");
  await press("l");
  await expect(row(1)).toContainText("Late");

  await press("/");
  await type(students[4]!.roll);
  await press("Enter");
  await expect(row(4)).toBeFocused();
  await press("a");
  await expect(row(4)).toContainText("Absent");

  // A letter typed anywhere else is only a letter.
  await press("/");
  await press("Control+a");
  await type("e");
  await expect(page.getByRole("searchbox")).toHaveValue("e");
  await press("Escape");
  await expect(row(4)).toContainText("Absent");

  const end = page.getByRole("button", { name: "End", exact: true });
  await end.focus();
  await press("Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("9 unmarked → absent");
  await expect(dialog.getByRole("button", { name: "Keep going" })).toBeFocused();
  await press("Escape");
  await expect(dialog).toBeHidden();
  await expect(end).toBeFocused();
  await press("Enter");
  await press("Tab");
  await press("Enter");

  await expect(page.getByRole("button", { name: /^Reopen/ })).toBeVisible();
  await page.getByRole("link", { name: "Register", exact: true }).focus();
  await press("Enter");
  const table = page.getByRole("table");
  await expect(table.getByRole("row", { name: students[0]!.name })).toContainText("P");
  await expect(table.getByRole("row", { name: students[1]!.name })).toContainText("L");
  await expect(table.getByRole("row", { name: students[2]!.name })).toContainText("A");

  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download .xlsx" }).focus();
  await press("Enter");
  expect((await download).suggestedFilename()).toMatch(/\.xlsx$/);
});
