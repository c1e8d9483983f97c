import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expectAccessible } from "./axe";
import { expect, firstPassword, test, type Server } from "./server";
import { workbook } from "./workbook";

// One new institution, from its first login on. Each test begins where the one before it ended.
test.describe.configure({ mode: "serial" });

const password = "correct horse battery";

async function logIn(page: Page, server: Server): Promise<void> {
  const response = await page.request.post(`${server.base}/api/admin/login`, { data: { username: "admin", password } });
  expect(response.ok(), await response.text()).toBe(true);
}

/** Chooses a file as somebody does who has only a keyboard. */
async function choose(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.getByLabel("File", { exact: true }).focus();
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles({ name, mimeType: "application/octet-stream", buffer });
}

test("a new institution is set up, by keyboard", async ({ page }) => {
  const { keyboard } = page;
  await page.goto("/login?as=admin");
  await page.getByLabel("User name").focus();
  await keyboard.type("admin");
  await keyboard.press("Tab");
  await keyboard.type(firstPassword);
  await keyboard.press("Enter");

  // Nothing else is there before the password is one's own.
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
  await page.goto("/a/students");
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
  await page.getByLabel("Current password").focus();
  await keyboard.type(firstPassword);
  await page.getByLabel("New password", { exact: true }).focus();
  await keyboard.type("short");
  await keyboard.press("Enter");
  await expect(page.getByLabel("New password", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await keyboard.press("Control+a");
  await keyboard.type(password);
  await page.getByLabel("New password again").focus();
  await keyboard.type(password);
  await keyboard.press("Enter");

  await expect(page.getByRole("heading", { name: "Set up arise" })).toBeVisible();
  await expect(page).toHaveURL(/\/a\/setup$/);
  await page.getByLabel("Name of the institution").focus();
  await keyboard.press("Enter");
  await expect(page.getByLabel("Name of the institution")).toHaveAttribute("aria-invalid", "true");
  await keyboard.type("College <img src=x onerror=alert(1)> & Science");
  await page.getByLabel("Time zone").focus();
  await keyboard.press("Control+a");
  await keyboard.type("Asia/Kolkatta");
  await page.getByLabel("First semester").focus();
  await keyboard.type("Semester 1");
  await keyboard.press("Enter");
  await expect(page.getByLabel("Time zone")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Time zone").focus();
  await keyboard.press("Control+a");
  await keyboard.type("Asia/Kolkata");
  await keyboard.press("Enter");

  await expect(page.getByRole("heading", { level: 1, name: "College <img src=x onerror=alert(1)> & Science" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Next steps" })).toBeVisible();
  await page.reload();
  await expect(page).toHaveURL(/\/a$/);
  await expect(page.getByRole("heading", { name: "Next steps" })).toBeVisible();
});

test("students come in from a list, by keyboard", async ({ page, server }) => {
  await logIn(page, server);
  await page.goto("/a");
  await page.getByRole("link", { name: "Add students from a file" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/a\/import$/);

  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download an example" }).press("Enter");
  const example = await saved;
  expect(example.suggestedFilename()).toBe("students.csv");

  // A file that isn't one, and a list without what it has to have.
  await choose(page, "photo.csv", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 255]));
  await expect(page.getByRole("alert")).toContainText("can't be read as a list");
  await choose(page, "list.csv", Buffer.from("name,mail\nA,b\n"));
  await expect(page.getByRole("alert")).toContainText("roll", { ignoreCase: true });

  const evil = "<img src=x onerror=alert(1)>";
  const list = `Name,Roll No,E-mail,Shoe size\nAsha Rao,UR1,asha@example.edu,39\n${evil},UR2,,\nTwice,UR1,,\n,UR4,,\nMira,UR5,mira,\n`;
  await choose(page, "list.csv", Buffer.from(list));
  await expect(page.getByRole("heading", { name: "2 of 5 rows can be added." })).toBeVisible();
  await expect(page.getByText("Not used: Shoe size.")).toBeVisible();
  const problems = page.getByRole("table", { name: "What is wrong" });
  await expect(problems.getByRole("row")).toHaveCount(1 + 3);
  await expect(problems.getByRole("row", { name: /^4 / })).toContainText("University roll no.");
  await expect(problems.getByRole("row", { name: /^5 / })).toContainText("Name");
  await expect(problems.getByRole("row", { name: /^6 / })).toContainText("E-mail");

  await page.getByLabel("Password for all of them").focus();
  await page.keyboard.type("short");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Password for all of them")).toHaveAttribute("aria-invalid", "true");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("list-secret");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "2 students were added." })).toBeVisible();
  await expect(problems.getByRole("row")).toHaveCount(1 + 3);

  // What it did has an address.
  await page.reload();
  await expect(page.getByRole("heading", { name: "2 students were added." })).toBeVisible();
  await page.getByRole("link", { name: "See the students" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: evil })).toBeVisible();
  await expect(page.locator("main tbody tr")).toHaveCount(2);

  // The example can be imported as it is, a workbook too, and nobody comes in twice.
  await page.goto("/a/import");
  await choose(page, "students.csv", readFileSync((await example.path())!));
  await expect(page.getByRole("heading", { name: "2 of 2 rows can be added." })).toBeVisible();
  await choose(page, "list.xlsx", workbook([["Roll number", "Student name"], ["UR1", "Asha Rao"], ["UR7", "Zoya & Sons"]]));
  await expect(page.getByRole("heading", { name: "1 of 2 rows can be added." })).toBeVisible();
  await page.getByLabel("Password for all of them").fill("list-secret");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "1 student was added." })).toBeVisible();

  const login = await page.request.post(`${server.base}/api/student/login`, { data: { university_roll_no: "ur7", password: "list-secret" } });
  expect(login.ok(), await login.text()).toBe(true);
});

test("a long list shows how far it is, and can be stopped", async ({ page, server }) => {
  test.setTimeout(120_000);
  await logIn(page, server);
  await page.goto("/a/import");
  const rows = Array.from({ length: 30_000 }, (_, n) => `Student ${n},LONG${n}`);
  await choose(page, "all.csv", Buffer.from(`name,roll\n${rows.join("\n")}\n`));
  await expect(page.getByRole("heading", { name: "30,000 of 30,000 rows can be added." })).toBeVisible({ timeout: 60_000 });
  await page.getByLabel("Password for all of them").fill("list-secret");
  await page.getByRole("button", { name: "Add 30,000 students" }).press("Enter");
  await expect(page.getByRole("meter")).toBeVisible();
  await page.reload();
  await page.getByRole("button", { name: "Stop" }).press("Enter");
  await expect(page.getByRole("alert")).toContainText("The import was stopped. What was in stays.");
  const said = /([\d,]+) of 30,000 rows/.exec(await page.getByRole("alert").innerText())![1]!;
  const listed = await page.request.get(`${server.base}/api/admin/students?q=LONG&limit=1`);
  expect(listed.headers()["x-total-count"]).toBe(said.replace(",", ""));

  // What is in goes again.
  await page.getByRole("button", { name: "Take this import back" }).press("Enter");
  await expect(page.getByRole("dialog")).toContainText(`${said} of the ${said} students whom it added will be deleted.`);
  await page.getByRole("button", { name: `Delete ${said} students` }).press("Enter");
  await expect(page.getByRole("heading", { name: `The import is taken back: ${said} students were deleted.` })).toBeVisible({ timeout: 60_000 });
  const left = await page.request.get(`${server.base}/api/admin/students?q=LONG&limit=1`);
  expect(left.headers()["x-total-count"]).toBe("0");
  await page.getByRole("button", { name: "Import another file" }).press("Enter");
  await expect(page.getByLabel("File", { exact: true })).toBeVisible();
});

test("a wrong list is taken back, but for those with whom something was done", async ({ page, server }) => {
  await logIn(page, server);
  await page.goto("/a/import");
  await choose(page, "wrong.csv", Buffer.from("name,roll\nWrong One,WR1\nRight <b>Two</b>,WR2\nWrong Three,WR3\n"));
  await page.getByLabel("Password for all of them").fill("list-secret");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "3 students were added." })).toBeVisible();
  const found = (await (await page.request.get(`${server.base}/api/admin/students?q=WR2`)).json()) as { id: string }[];
  const changed = await page.request.put(`${server.base}/api/admin/students/${found[0]!.id}`, { data: { email1: "two@example.edu" } });
  expect(changed.ok()).toBe(true);

  // Later, from the list of imports.
  await page.goto("/a/import");
  const earlier = page.getByRole("region", { name: "Earlier imports" });
  await earlier.getByRole("link").first().press("Enter");
  await expect(page.getByRole("heading", { name: "3 students were added." })).toBeVisible();
  await page.getByRole("button", { name: "Take this import back" }).press("Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("2 of the 3 students whom it added will be deleted.");
  await expect(dialog.getByRole("list", { name: "Who stays" })).toHaveText(/Right <b>Two<\/b> WR2\s*changed since/);
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await expectAccessible(page, "taking an import back");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await page.getByRole("button", { name: "Take this import back" }).press("Enter");
  await dialog.getByRole("button", { name: "Delete 2 students" }).press("Enter");
  await expect(page.getByRole("heading", { name: "The import is taken back: 2 students were deleted." })).toBeVisible();
  await expect(page.getByRole("list", { name: "Who stays" })).toContainText("Right <b>Two</b>");
  await page.goto("/a/students?q=WR");
  await expect(page.locator("main tbody tr")).toHaveCount(1);
  await page.goto("/a/import");
  await expect(earlier.getByRole("listitem").first()).toContainText("Taken back");
});

test("the older system’s records are taken over", async ({ page, server }) => {
  await logIn(page, server);
  await page.goto("/a/import");
  await page.getByRole("link", { name: "Older system" }).press("Enter");
  await expect(page).toHaveURL(/\/a\/import\/older$/);
  const older = readFileSync(join(import.meta.dirname, "older.db"));
  await choose(page, "attendance.db", Buffer.from("not a database at all"));
  await expect(page.getByRole("alert")).toBeVisible();

  await choose(page, "attendance.db", older);
  const table = page.getByRole("table", { name: "What is in the file" });
  await expect(table.getByRole("row", { name: /^Students/ })).toContainText("6");
  await expect(page.getByRole("table", { name: "What is wrong" })).toContainText("Sessions");
  expect((await page.request.get(`${server.base}/api/admin/courses`)).headers()["x-total-count"] ?? "0").toBe("0");
  await page.getByRole("button", { name: "Import", exact: true }).press("Enter");
  await expect(page.getByRole("heading", { name: /^The import is done: \d+ rows are new\.$/ })).toBeVisible();

  await page.getByRole("button", { name: "Import another file" }).press("Enter");
  await choose(page, "attendance.db", older);
  await expect(page.getByRole("heading", { name: "Everything in this file is here already." })).toBeVisible();
  await expect(page.getByRole("button", { name: "Import", exact: true })).toBeHidden();

  // Its teacher logs in as before; online classes are held elsewhere.
  await page.context().clearCookies();
  await page.goto("/login");
  await page.getByRole("combobox").fill("OLD101");
  await page.getByRole("textbox", { name: "PIN" }).fill("736152");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Old Course & Lab" })).toBeVisible();
  await page.getByText("Options").click();
  await expect(page.getByRole("radio", { name: "Online" })).toBeDisabled();
  await expect(page.getByText("Online classes are held on the college’s server", { exact: false })).toBeVisible();
});

test("a backup shows how far it is, and can be stopped", async ({ page, server }) => {
  test.setTimeout(240_000);
  await logIn(page, server);
  await page.goto("/a/backups");
  const make = page.getByRole("button", { name: "Back up now" }).first();
  // A small one may be over before anybody can stop it: then it is tried again.
  await expect(async () => {
    await expect(make).toBeEnabled();
    const shown = page.evaluate(
      () =>
        new Promise<string | null>((done) => {
          new MutationObserver((_, observer) => {
            const stop = [...document.querySelectorAll<HTMLElement>("main button")].find(({ innerText }) => innerText.trim() === "Stop");
            if (!stop) return;
            observer.disconnect();
            done(document.querySelector("main [role=meter]")?.getAttribute("aria-label") ?? null);
            stop.click();
          }).observe(document.body, { childList: true, subtree: true });
          setTimeout(() => done(null), 5000);
        }),
    );
    await make.press("Enter");
    expect(await shown).toMatch(/^Working: \d+ %$/);
    await expect(page.getByText("The backup was stopped.").last()).toBeVisible({ timeout: 3000 });
  }).toPass({ timeout: 180_000 });
  await expect(make).toBeEnabled();
  const before = await page.getByRole("main").getByRole("listitem").count();
  await make.press("Enter");
  await expect(page.getByText("The backup is made.").last()).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(before + 1);
  await expect(page.getByRole("main").getByRole("listitem").first()).toContainText("Verified");
});

test("switches and networks are saved when they are left, and can be taken back", async ({ page, server }) => {
  await logIn(page, server);
  const config = async () => (await page.request.get(`${server.base}/api/admin/config`)).json() as Promise<Record<string, unknown>>;
  await page.goto("/a/settings");
  const login = page.getByRole("checkbox", { name: /Students log in to mark themselves/ });
  await expect(login).not.toBeChecked();
  await login.press("Space");
  await expect(page.getByText("Saved.")).toBeVisible();
  expect((await config()).online_login_required).toBe(true);
  await page.getByRole("button", { name: "Undo" }).press("Enter");
  await expect(login).not.toBeChecked();
  expect((await config()).online_login_required).toBe(false);

  const networks = page.getByLabel("Networks of the campus");
  await networks.fill("the library");
  await page.keyboard.press("Tab");
  await expect(networks).toHaveAttribute("aria-invalid", "true");
  await networks.fill("203.0.113.0/24, 10.0.0.0/8");
  await page.keyboard.press("Tab");
  await expect.poll(async () => (await config()).campus_networks).toBe("203.0.113.0/24, 10.0.0.0/8");
  await expect(networks).not.toHaveAttribute("aria-invalid");
  await page.reload();
  await expect(networks).toHaveValue("203.0.113.0/24, 10.0.0.0/8");
});
