import { expect, logInAsAdmin, test } from "./page";
import { seed } from "./seed";

const run = Date.now().toString(36).toUpperCase();

test("an administrator makes a course and puts students into it, by keyboard", async ({ page }) => {
  const { students } = await seed();
  await logInAsAdmin(page);
  const drawer = page.getByRole("dialog");

  await page.goto("/a/semesters");
  await page.getByRole("button", { name: "Add semester" }).first().press("Enter");
  await page.keyboard.type(`Term ${run}`);
  await page.keyboard.press("Enter");
  await expect(drawer).toBeHidden();
  await expect(page.getByRole("button", { name: `Term ${run}` })).toBeVisible();

  await page.goto("/a/teachers");
  await page.getByRole("button", { name: "Add teacher" }).first().press("Enter");
  await page.keyboard.type(`Ms <i>${run}</i>`);
  await page.keyboard.press("Enter");
  await expect(drawer.getByText("Please fill this in.").first()).toBeVisible();
  await drawer.getByLabel("Teacher code").fill(`K${run}`);
  await drawer.getByLabel("PIN", { exact: true }).fill("1234");
  await page.keyboard.press("Enter");
  await expect(drawer.getByLabel("PIN", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await drawer.getByLabel("PIN", { exact: true }).fill("482915");
  await page.keyboard.press("Enter");
  await expect(drawer).toBeHidden();

  await page.goto("/a/courses");
  await page.getByRole("button", { name: "Add course" }).first().press("Enter");
  await drawer.getByLabel("Name").fill(`Logic ${run}`);
  await drawer.getByLabel("Course code").fill(`L${run}`);
  await drawer.getByLabel("Semester").selectOption({ label: `Term ${run}` });
  await drawer.getByLabel("Teacher").selectOption({ label: `Ms <i>${run}</i> (K${run})` });
  await drawer.getByRole("button", { name: "Save" }).press("Enter");
  await expect(drawer).toBeHidden();
  await page.getByRole("searchbox").fill(`L${run}`);
  await expect(page).toHaveURL(new RegExp(`q=L${run}`));
  await page.getByRole("link", { name: `Students of L${run}` }).press("Enter");

  const others = page.getByRole("list", { name: "Not in this course" });
  const course = page.getByRole("list", { name: "In this course", exact: true });
  await page.getByRole("searchbox", { name: "Find by name or roll number" }).fill(students[0]!.roll.slice(0, -3));
  await expect(others.getByRole("listitem")).toHaveCount(12);
  for (const n of [0, 1]) await others.getByRole("checkbox", { name: students[n]!.name }).press("Space");
  await page.getByRole("button", { name: "Add 2" }).press("Enter");
  await expect(course.getByRole("listitem")).toHaveCount(2);

  // Two with one number are told at once, and can't be saved.
  const roll = (n: number) => course.getByLabel(`Class roll number of ${students[n]!.name}`);
  await roll(1).fill("1");
  await expect(course.getByText(`The same number as ${students[0]!.name}.`)).toBeVisible();
  await expect(page.getByRole("button", { name: "Save" })).toBeDisabled();
  await roll(1).fill("7");

  // The same with the mouse.
  await others.getByRole("listitem").filter({ hasText: students[4]!.name }).dragTo(course);
  await expect(roll(4)).toHaveValue("2");
  await page.getByRole("button", { name: "Save" }).press("Enter");
  await expect(page.getByText("Enrolment saved.")).toBeVisible();
  await page.reload();
  await expect(roll(1)).toHaveValue("7");
  await expect(course.getByRole("listitem")).toHaveCount(3);
});

test("nothing is deleted until its name is typed", async ({ page }) => {
  await logInAsAdmin(page);
  const name = `Old term ${run}`;
  const made = await page.request.post("/api/admin/semesters", { data: { semester_name: name } });
  expect(made.ok()).toBe(true);
  await page.goto(`/a/semesters?q=${encodeURIComponent(name)}`);
  await page.getByRole("button", { name }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  const ask = page.getByRole("dialog", { name: `Delete ${name}?` });
  await expect(ask).toContainText("No course is in it.");
  await page.keyboard.press("Enter");
  await expect(ask.getByText("That is not what has to be typed.")).toBeVisible();
  await page.mouse.click(5, 5);
  await expect(ask).toBeHidden();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await expect(page.getByText(/Nothing matches/)).toBeVisible();
});

test("what the server says is said in the language of the screen", async ({ page }) => {
  await logInAsAdmin(page);
  const [one, other] = [`First ${run}`, `Second ${run}`];
  for (const name of [one, other]) {
    expect((await page.request.post("/api/admin/semesters", { data: { semester_name: name } })).ok()).toBe(true);
  }
  await page.addInitScript(() => localStorage.setItem("arise.language", "hi"));
  await page.goto(`/a/semesters?q=${encodeURIComponent(other)}`);
  await page.getByRole("button", { name: other }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("textbox").first().fill(one);
  await page.keyboard.press("Enter");
  await expect(drawer.getByText(`“${one}” नाम का सेमेस्टर पहले से है।`)).toBeVisible();
});

test("a scanner is paired with a code", async ({ page }) => {
  await logInAsAdmin(page);
  await page.goto("/a/scanners");
  await page.getByRole("button", { name: "Add scanner" }).first().click();
  await page.getByLabel("Name").fill(`Scanner ${run}`);
  await page.getByRole("button", { name: "Save" }).click();
  const dialog = page.getByRole("dialog", { name: `Pair Scanner ${run}` });
  const code = await dialog.getByLabel("Pairing code").textContent();
  const paired = await page.request.post("/api/device/pair", { data: { code, mac_address: "02:00:00:00:00:07", firmware: "1.0" } });
  expect(paired.ok(), await paired.text()).toBe(true);
  await page.keyboard.press("Escape");
  const card = page.getByRole("listitem").filter({ hasText: `Scanner ${run}` });
  await expect(card.getByRole("button", { name: "Pair again" })).toBeVisible();
  await card.getByRole("button", { name: `Edit Scanner ${run}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.keyboard.type(`Scanner ${run}`);
  await page.keyboard.press("Enter");
  await expect(card).toBeHidden();
});

test("a setting is saved when it is left, and can be taken back", async ({ page }) => {
  await logInAsAdmin(page);
  await page.goto("/a/settings");
  const grace = page.getByLabel("Minutes of grace");
  const before = await grace.inputValue();
  await grace.fill("600");
  await page.keyboard.press("Tab");
  await expect(grace).toHaveAttribute("aria-invalid", "true");
  await grace.fill("9");
  await page.keyboard.press("Tab");
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(grace).toHaveValue(before);
});
