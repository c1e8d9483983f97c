import { endSession, expect, logInAsAdmin, logInAsStudent, logInAsTeacher, startSession, test } from "./page";
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

test("a student chooses whether others see them, and under which name", async ({ page, browser }) => {
  const seeded = await seed();
  const [own, other] = seeded.students;
  const nickname = `Nick ${own!.roll}`;
  const teacher = await (await browser.newContext({ baseURL: target.base })).newPage();
  await logInAsTeacher(teacher, seeded);
  const id = await startSession(teacher, seeded);
  await teacher.request.post(`/api/teacher/session/${id}/mark`, { data: { student_id: own!.id, status: "present" } });
  await endSession(teacher, id);
  await teacher.context().close();

  const login = await page.request.post("/api/student/login", { data: { university_roll_no: own!.roll, password: own!.password } });
  expect(login.ok(), await login.text()).toBe(true);
  await page.goto("/me/leaderboard");
  await expect(page.getByRole("heading", { name: "Being seen" })).toBeVisible();
  const listed = page.getByRole("checkbox", { name: "Others see me here" });
  const name = page.getByLabel("Nickname");

  // A name that somebody else has isn't to be had.
  await name.fill(other!.name);
  await page.keyboard.press("Tab");
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await name.fill(nickname);
  await page.keyboard.press("Tab");
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(name).not.toHaveAttribute("aria-invalid");
  if (!(await listed.isChecked())) await listed.press("Space");
  await page.reload();
  await expect(name).toHaveValue(nickname);
  await expect(listed).toBeChecked();

  const seen = async () => {
    const context = await browser.newContext({ baseURL: target.base });
    const login = await context.request.post("/api/student/login", { data: { university_roll_no: other!.roll, password: other!.password } });
    expect(login.ok(), await login.text()).toBe(true);
    const board = await (await context.request.get(`/api/student/leaderboard?course_id=${seeded.course.id}&limit=100`)).text();
    await context.close();
    return { name: board.includes(own!.name), nickname: board.includes(nickname) };
  };
  expect(await seen()).toEqual({ name: false, nickname: true });
  await listed.press("Space");
  await expect(page.getByText("Saved.").last()).toBeVisible();
  await expect(listed).not.toBeChecked();
  expect(await seen()).toEqual({ name: false, nickname: false });
  await page.getByRole("button", { name: "Undo" }).last().click();
  await expect(listed).toBeChecked();
  await expect.poll(seen).toEqual({ name: false, nickname: true });

  // An administrator finds who is behind a nickname, and takes it away; that the student is seen stays their choice.
  await logInAsAdmin(page);
  await page.goto(`/a/students?q=${encodeURIComponent(nickname)}`);
  await page.getByRole("link", { name: `Attendance of ${own!.name}` }).press("Enter");
  const known = page.getByText(`On the leaderboard as “${nickname}”`);
  await expect(known).toBeVisible();
  await page.getByRole("button", { name: "Take it away" }).press("Enter");
  await expect(known).toBeHidden();
  expect(await seen()).toEqual({ name: true, nickname: false });
});
