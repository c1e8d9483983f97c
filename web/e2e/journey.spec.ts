import { endSession, expect, logInAsTeacher, reach, startSession, test } from "./page";
import { seed } from "./seed";

test("a teacher runs a class without a mouse", async ({ page }) => {
  const { course, teacher, students } = await seed();
  const type = (text: string) => page.keyboard.type(text);
  const press = (key: string) => page.keyboard.press(key);

  await page.goto("/login");
  await reach(page, page.getByRole("combobox"));
  await type(course.code);
  await press("Tab");
  await type(teacher.pin);
  await press("Enter");

  // Two actions from login to live: this is the second.
  const start = page.getByRole("button", { name: "Start", exact: true });
  await expect(start).toBeVisible();
  await reach(page, start);
  await press("Enter");
  await expect(page).toHaveURL(/\/t\/s\/[^/]+$/);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();

  const roster = page.getByRole("list", { name: "Students" });
  const row = (n: number) => roster.getByRole("button", { name: students[n]!.name, pressed: undefined }).first();
  await reach(page, row(0));
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

  // The projector is a window of its own, and obeys the keys that it names.
  await reach(page, page.getByRole("link", { name: "Project" }), "Shift+Tab");
  const opens = page.waitForEvent("popup");
  await press("Enter");
  const projector = await opens;
  await expect(projector).toHaveURL(/\/t\/s\/[^/]+\/project$/);
  await expect(projector.getByText("of 12 present")).toBeVisible();
  await expect(projector.getByText("B blank", { exact: false })).toBeVisible();
  await projector.keyboard.press("b");
  await expect(projector.getByText("of 12 present")).toBeHidden();
  await expect(projector).toHaveURL(/view=blank/);
  await projector.keyboard.press("b");
  await expect(projector.getByText("of 12 present")).toBeVisible();
  await projector.keyboard.press("f");
  const isFull = () => projector.evaluate(() => document.fullscreenElement !== null);
  await expect.poll(isFull).toBe(true);
  await projector.keyboard.press("f");
  await expect.poll(isFull).toBe(false);
  await projector.close();

  const end = page.getByRole("button", { name: "End", exact: true });
  await reach(page, end);
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
  await reach(page, page.getByRole("link", { name: "Register", exact: true }));
  await press("Enter");
  const table = page.getByRole("table");
  await expect(table.getByRole("row", { name: students[0]!.name })).toContainText("P");
  await expect(table.getByRole("row", { name: students[1]!.name })).toContainText("L");
  await expect(table.getByRole("row", { name: students[2]!.name })).toContainText("A");

  const download = page.waitForEvent("download");
  await reach(page, page.getByRole("link", { name: "Download .xlsx" }));
  await press("Enter");
  expect((await download).suggestedFilename()).toMatch(/\.xlsx$/);
});

test("an online class is held and joined without a mouse", async ({ page, browser }) => {
  const seeded = await seed();
  const student = seeded.students[2]!;
  await logInAsTeacher(page, seeded);
  // What another test left open is ended.
  await endSession(page, await startSession(page, seeded));
  await page.goto("/t");
  await reach(page, page.locator("summary").first());
  await page.keyboard.press("Enter");
  await reach(page, page.getByRole("radio", { name: "In class" }));
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("radio", { name: "Online" })).toBeChecked();
  await reach(page, page.getByRole("button", { name: "Start", exact: true }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/t\/s\/[^/]+$/);
  const digits = page.getByRole("region", { name: "Code" }).locator(".digits");
  await expect(digits).toHaveText(/^\d{3} \d{3}$/);
  await reach(page, page.getByText("Link and QR code"));
  await page.keyboard.press("Enter");
  const link = (await page.getByRole("link", { name: /\/online\// }).getAttribute("href"))!;

  // The projector shows the code, and at a key only the square that phones read.
  await reach(page, page.getByRole("link", { name: "Project" }), "Shift+Tab");
  const opens = page.waitForEvent("popup");
  await page.keyboard.press("Enter");
  const projector = await opens;
  await expect(projector.getByLabel("Code", { exact: true })).toHaveText(/^\d{3} \d{3}$/);
  await projector.keyboard.press("q");
  await expect(projector.getByLabel("Code", { exact: true })).toBeHidden();
  await expect(projector.getByRole("img", { name: "QR code of the marking page" })).toBeVisible();
  await projector.close();

  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ baseURL: new URL(link).origin, javaScriptEnabled });
    const phone = await context.newPage();
    await phone.goto(link);
    await reach(phone, phone.getByLabel("Code"));
    await phone.keyboard.type((await digits.textContent())!);
    await phone.keyboard.press("Tab");
    await expect(phone.getByLabel("University roll number")).toBeFocused();
    await phone.keyboard.type(student.roll.toLowerCase());
    await phone.keyboard.press("Enter");
    // The second time, from another browser, it is known already.
    await expect(phone.getByRole("status")).toHaveText(
      javaScriptEnabled ? `${student.name}, you are marked present.` : `${student.name}, you are marked already.`,
    );
    await context.close();
  }
  const row = page.getByRole("list", { name: "Students" }).getByRole("button", { name: student.name }).first();
  await expect(row).toHaveAttribute("aria-pressed", "true");

  await reach(page, page.getByRole("button", { name: "End", exact: true }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: /^Reopen/ })).toBeVisible();
});
