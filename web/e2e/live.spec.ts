import { endSession, expect, logInAsAdmin, logInAsTeacher, startSession, test } from "./page";
import { seed } from "./seed";

test("a mark made elsewhere appears, in every tab", async ({ page, context }) => {
  const seeded = await seed();
  await logInAsTeacher(page, seeded);
  const id = await startSession(page, seeded);
  const other = await context.newPage();
  await page.goto(`/t/s/${id}`);
  await other.goto(`/t/s/${id}`);
  for (const tab of [page, other]) await expect(tab.getByText("Live", { exact: true })).toBeVisible();

  const { id: student_id, name } = seeded.students[6]!;
  await page.request.post(`/api/teacher/session/${id}/mark`, { data: { student_id, status: "present" } });
  for (const tab of [page, other]) {
    await expect(tab.getByRole("list", { name: "Students" }).getByRole("button", { name }).first()).toHaveAttribute(
      "aria-pressed",
      "true",
    );
  }
  await endSession(page, id);
  for (const tab of [page, other]) await expect(tab.getByRole("button", { name: /^Reopen/ })).toBeVisible();
});

test("dialogs close on Esc and outside, and never confirm", async ({ page }) => {
  const seeded = await seed();
  await logInAsTeacher(page, seeded);
  const id = await startSession(page, seeded);
  await page.goto(`/t/s/${id}`);

  for (const opener of ["End", "Mark many"]) {
    for (const close of ["Escape", "outside"]) {
      await page.getByRole("button", { name: opener, exact: true }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      if (close === "Escape") await page.keyboard.press("Escape");
      else await page.mouse.click(5, 5);
      await expect(page.getByRole("dialog")).toBeHidden();
    }
  }
  await expect(page.getByRole("button", { name: "End", exact: true })).toBeVisible();
  await endSession(page, id);

  // Nor after the class, with something typed and chosen.
  await page.getByRole("button", { name: /^Change mark/ }).first().click();
  await page.getByText("Excused", { exact: true }).last().click();
  await page.mouse.click(5, 5);
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.getByRole("button", { name: "Delete session" }).click();
  await page.getByLabel("Why is it deleted?").fill("by mistake");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("button", { name: "Delete session" })).toBeFocused();
  const detail = await page.request.get(`/api/teacher/session-detail/${id}`);
  expect(detail.ok(), "it is still there").toBe(true);
  expect(await detail.text()).not.toContain('"status":"excused"');
});

test("drawers of administrators close on Esc and outside, and keep nothing", async ({ page }) => {
  const { students } = await seed();
  const { id, name, roll } = students[7]!;
  await logInAsAdmin(page);
  for (const close of ["Escape", "outside"]) {
    await page.goto(`/a/students?q=${roll}&edit=${id}`);
    const drawer = page.getByRole("dialog");
    await drawer.getByLabel("Name", { exact: true }).fill("Somebody else");
    if (close === "Escape") await page.keyboard.press("Escape");
    else await page.mouse.click(5, 5);
    await expect(drawer).toBeHidden();
    await expect(page.getByRole("button", { name, exact: false }).first()).toBeVisible();
    await page.reload();
    await expect(page.getByRole("button", { name, exact: false }).first()).toBeVisible();
  }
});

test("a reload brings a running session back as it was", async ({ page }) => {
  const seeded = await seed();
  await logInAsTeacher(page, seeded);
  const id = await startSession(page, seeded);
  await page.goto(`/t/s/${id}`);
  const rows = page.getByRole("list", { name: "Students" }).locator("button[aria-pressed]");
  await rows.nth(2).click();
  await expect(rows.nth(2)).toContainText("verified by teacher", { ignoreCase: true });
  await page.getByText("Unmarked", { exact: false }).first().click();
  await expect(page).toHaveURL(/show=unmarked/);
  await page.reload();
  await expect(page.getByRole("radio", { name: /Unmarked/ })).toBeChecked();
  await expect(rows).toHaveCount(11);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(page.locator(".big").first()).toHaveText("1");
  await page.goBack();
  await page.goForward();
  await expect(page.getByRole("radio", { name: /Unmarked/ })).toBeChecked();
  // From the start of the day it is found again with one click.
  await page.goto("/t");
  await page.getByRole("link", { name: /^Resume/ }).first().click();
  await expect(rows.nth(2)).toHaveAttribute("aria-pressed", "true");
  await endSession(page, id);
});
