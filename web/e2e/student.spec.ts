import { expect, logInAsStudent, test } from "./page";
import { seed } from "./seed";
import { target } from "./target";

test("a student sees where they stand, by keyboard", async ({ page }) => {
  const seeded = await seed();
  const { roll, password } = seeded.students[0]!;
  const own = target.student ?? { university_roll_no: roll, password };
  await page.goto("/login?as=student");
  await page.getByLabel("University roll number").focus();
  await page.keyboard.type(own.university_roll_no.toLowerCase());
  await page.keyboard.press("Tab");
  await page.keyboard.type("not-the-password");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The roll number or password is not right.")).toBeVisible();
  await page.getByLabel("Password", { exact: true }).focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type(own.password);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/me$/);
  await expect(page.getByRole("heading", { name: "All courses together" })).toBeVisible();

  // What the page says is what the server says.
  const dashboard = (await (await page.request.get("/api/student/dashboard")).json()) as {
    overall_percentage: number;
    courses: { course_id: string; course_name: string; present_count: number; total_sessions: number }[];
  };
  await expect(page.locator("main")).toContainText(`${Math.round(dashboard.overall_percentage * 10) / 10}%`);
  for (const { course_name } of dashboard.courses) await expect(page.locator("main").getByText(course_name).first()).toBeVisible();

  const course = dashboard.courses[0]!;
  await page.locator(`a[href="/me/c/${course.course_id}"]`).first().focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: course.course_name })).toBeFocused();
  await expect(page.locator("main")).toContainText(`${course.present_count}`);
  await page.goBack();
  await expect(page).toHaveURL(/\/me$/);

  await page.getByRole("link", { name: "Leaderboard" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/me\/leaderboard/);
  await expect(page.getByRole("combobox")).toBeVisible();

  // Others' rooms lead back to one's own, and the account's menu leads out.
  await page.goto("/a");
  await expect(page).toHaveURL(/\/me$/);
  await page.getByRole("button", { name: /^Account/ }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Log out" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/login/);
  await page.goto("/me");
  await expect(page).toHaveURL(/\/login\?as=student/);
});

test("a student who has to log in is led back to the class", async ({ page }) => {
  await page.goto("/login?as=student&next=/online/some-link-of-a-class");
  await logInAsStudent(page, await seed());
  await page.reload();
  await expect(page).toHaveURL(/\/online\/some-link-of-a-class$/);
  await expect(page.getByRole("alert")).toContainText("leads to no class");
});
