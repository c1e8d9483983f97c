import { endSession, expect, logInAsTeacher, startSession, test } from "./page";
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
});

test("what is chosen survives a reload", async ({ page }) => {
  const seeded = await seed();
  await logInAsTeacher(page, seeded);
  const id = await startSession(page, seeded);
  await page.goto(`/t/s/${id}`);
  await page.getByText("Unmarked", { exact: false }).first().click();
  await expect(page).toHaveURL(/show=unmarked/);
  await page.reload();
  await expect(page.getByRole("radio", { name: /Unmarked/ })).toBeChecked();
  await endSession(page, id);
});
