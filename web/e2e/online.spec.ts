import jsQR from "jsqr";
import type { Browser, Page } from "@playwright/test";
import { endSession, expect, expectNoSidewaysScroll, fill, logInAsAdmin, logInAsTeacher, refill, startOnline, test } from "./page";
import { seed } from "./seed";
import { target } from "./target";

/** A phone of a student who isn't logged in; its browser runs no scripts unless it is said. */
async function phone(browser: Browser, javaScriptEnabled = false): Promise<Page> {
  const context = await browser.newContext({ baseURL: target.base, javaScriptEnabled, viewport: { width: 360, height: 640 } });
  return context.newPage();
}

async function markOnline(page: Page, code: string, roll: string): Promise<void> {
  await page.getByLabel("Code").fill(code);
  await page.getByLabel("University roll number").fill(roll);
  await page.getByRole("button", { name: "Mark me present" }).click();
}

/** The code as the teacher sees it, whole and not about to run out. */
async function codeOf(page: Page, id: string): Promise<string> {
  const asked = await page.request.get(`/api/teacher/session/${id}/online-status`);
  return ((await asked.json()) as { current_otp: string }).current_otp;
}

test("an online class, from its start to its end", async ({ page, browser }) => {
  test.setTimeout(180_000);
  const { course, students } = await seed();
  await logInAsTeacher(page, await seed());
  await page.goto("/t");
  await page.getByText("Options").first().click();
  await page.getByRole("radio", { name: "Online" }).check({ force: true });
  await page.getByLabel("Topic").fill("Paging");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page).toHaveURL(/\/t\/s\/[^/]+$/);
  const id = /\/t\/s\/([^/?]+)/.exec(page.url())![1]!;
  const digits = page.getByRole("region", { name: "Code" }).locator(".digits");
  await expect(digits).toHaveText(/^\d{3} \d{3}$/);
  await expect(page.getByText("of 12 present")).toBeVisible();

  // A reload and another device show the same class with the same code.
  await page.reload();
  await expect(digits).toHaveText(/^\d{3} \d{3}$/);
  const tablet = await browser.newContext({ baseURL: target.base });
  const second = await tablet.newPage();
  await logInAsTeacher(second, await seed());
  await second.goto(`/t/s/${id}`);
  await expect
    .poll(async () => (await digits.textContent()) === (await second.locator(".digits").textContent()))
    .toBe(true);
  await tablet.close();

  await page.getByText("Link and QR code").click();
  const link = (await page.getByRole("link", { name: /\/online\// }).getAttribute("href"))!;
  expect(new URL(link).origin).toBe(new URL(target.base).origin);

  const student = await phone(browser);
  const weight: number[] = [];
  student.on("response", async (response) => weight.push((await response.body().catch(() => Buffer.alloc(0))).length));
  await student.goto(link);
  await expect(student.getByRole("heading", { name: course.name })).toBeVisible();
  await expect(student.getByText(`${course.code} · Paging`, { exact: false })).toBeVisible();
  await expect(student.locator("script")).toHaveCount(0);
  await expectNoSidewaysScroll(student);
  for (const control of await student.locator("input, button, a").all()) {
    const box = (await control.boundingBox())!;
    expect(Math.min(box.width, box.height), await control.innerText()).toBeGreaterThanOrEqual(44);
  }

  // Each refusal says what it is.
  const code = async () => (await digits.textContent())!.replace(" ", "");
  await markOnline(student, "000000", students[0]!.roll);
  await expect(student.getByRole("alert")).toHaveText("This code is wrong. Type the one that is shown now.");
  await markOnline(student, await code(), "NOBODY1");
  await expect(student.getByRole("alert")).toContainText("isn't in this course");
  // Typed with a gap, as it is shown, and in small letters.
  await markOnline(student, (await digits.textContent())!, students[0]!.roll.toLowerCase());
  await expect(student.getByRole("status")).toHaveText(`${students[0]!.name}, you are marked present.`);
  await student.goto(link);
  await expect(student.getByRole("status")).toContainText(students[0]!.name);
  await student.getByRole("link", { name: "Mark another student here" }).click();
  await expect(student.getByLabel("University roll number")).toHaveValue(students[0]!.roll);
  await markOnline(student, await code(), students[0]!.roll);
  await expect(student.getByRole("status")).toHaveText(`${students[0]!.name}, you are marked already.`);
  console.log(`figure: the marking page: 0 KB of scripts, ${(Math.max(...weight) / 1024).toFixed(1)} KB its largest file`);

  // The count goes up where the teacher looks, without anybody touching it.
  const first = page.getByRole("list", { name: "Students" }).getByRole("button", { name: students[0]!.name }).first();
  await expect(first).toHaveAttribute("aria-pressed", "true");
  await expect(first).toContainText("code");

  // With scripts it is the same page; a second mark from one phone is shown to the teacher.
  const other = await phone(browser, true);
  await other.goto(link);
  await markOnline(other, await code(), students[1]!.roll);
  await expect(other.getByRole("status")).toHaveText(`${students[1]!.name}, you are marked present.`);
  await other.getByRole("link", { name: "Mark another student here" }).click();
  await markOnline(other, await code(), students[2]!.roll);
  await expect(other.getByRole("status")).toHaveText(`${students[2]!.name}, you are marked present.`);
  await expect(page.getByRole("region", { name: "Worth a look" })).toContainText("One device marked 2 students", { timeout: 40_000 });

  // What the teacher decides stands.
  const row = page.getByRole("list", { name: "Students" }).getByRole("button", { name: students[3]!.name }).first();
  await row.focus();
  await page.keyboard.press("a");
  await expect(row).toContainText("Absent");
  await other.getByRole("link", { name: "Mark another student here" }).click();
  await markOnline(other, await code(), students[3]!.roll);
  await expect(other.getByRole("status")).toContainText("your teacher has decided your mark");

  await page.getByRole("button", { name: "End", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  await expect(page.getByRole("button", { name: /^Reopen/ })).toBeVisible();
  await student.goto(link);
  await expect(student.getByRole("alert")).toContainText("This class has ended.");
  await student.goto("/online/nothing-like-it");
  await expect(student.getByRole("alert")).toContainText("leads to no class");
  await student.getByRole("link", { name: "हिन्दी" }).click();
  await expect(student.locator("html")).toHaveAttribute("lang", "hi");
  await student.context().close();
  await other.context().close();
});

test("the projector's code can be read from afar, by people and by cameras", async ({ page, context }) => {
  await page.setViewportSize({ width: 1920, height: 1080 });
  const seeded = await seed();
  await logInAsTeacher(page, seeded);
  const id = await startOnline(page, seeded);
  await page.goto(`/t/s/${id}/project`);
  const digits = page.getByLabel("Code", { exact: true });
  await expect(digits).toHaveText(/^\d{3} \d{3}$/);
  const seen = (await digits.textContent())!.replace(" ", "");
  expect([seen, await codeOf(page, id)]).toContain(await codeOf(page, id));

  // The height of a digit itself, not of its line: what the font draws of an 8.
  const share = await digits.evaluate((element) => {
    const style = getComputedStyle(element);
    const context = document.createElement("canvas").getContext("2d")!;
    context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const { actualBoundingBoxAscent, actualBoundingBoxDescent } = context.measureText("8");
    return (actualBoundingBoxAscent + actualBoundingBoxDescent) / innerHeight;
  });
  console.log(`figure: digits on the projector: ${(share * 100).toFixed(1)} % of the screen's height at 1920 × 1080`);
  expect(share).toBeGreaterThanOrEqual(0.15);
  const box = (await digits.boundingBox())!;
  expect(box.x + box.width, "the code lies within the screen").toBeLessThanOrEqual(1920);
  expect(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), "nothing scrolls").toBe(true);

  const blank = await context.newPage();
  await blank.goto("about:blank");
  /** What a camera far away gets: the picture, 200 pixels wide. */
  const read = async (picture: Buffer) => {
    const { data, width, height } = await blank.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const canvas = new OffscreenCanvas(200, Math.round((200 * bitmap.height) / bitmap.width));
      const context = canvas.getContext("2d")!;
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return { data: [...data], width: canvas.width, height: canvas.height };
    }, picture.toString("base64"));
    return jsQR(Uint8ClampedArray.from(data), width, height)?.data ?? null;
  };
  const link = new RegExp(`^${target.base}/online/[\\w-]{22,}$`);
  const code = page.getByRole("img", { name: "QR code of the marking page" });
  expect(await read(await code.screenshot())).toMatch(link);

  await page.keyboard.press("q");
  await expect(digits).toBeHidden();
  await expect(page).toHaveURL(/view=qr/);
  const whole = await read(await page.screenshot());
  console.log(`figure: QR from the whole screen, 200 pixels wide: ${whole === null ? "not read" : "read"}`);
  expect(await read(await code.screenshot())).toMatch(link);
  await page.reload();
  await expect(code).toBeVisible();
  await page.keyboard.press("b");
  await expect(code).toBeHidden();
  await page.keyboard.press("b");
  await expect(digits).toBeVisible();
  await blank.close();
  await endSession(page, id);
  await expect(page.getByText("The session has ended")).toBeVisible();
  await expect(digits).toBeHidden();
});

test("sixty students behind one address mark themselves at once", async ({ page, playwright }) => {
  test.setTimeout(180_000);
  const seeded = await seed();
  await logInAsAdmin(page);
  const rolls = await fill(page.request, seeded, 60);
  expect(rolls).toHaveLength(60);
  await logInAsTeacher(page, seeded);
  const id = await startOnline(page, seeded);
  await page.goto(`/t/s/${id}`);
  await expect(page.getByText("of 60 present")).toBeVisible();
  const asked = await page.request.get(`/api/teacher/session/${id}/online-status`);
  const { session_token: token } = (await asked.json()) as { session_token: string };

  // Each has a phone of their own; one in three mistypes the code at first.
  const start = Date.now();
  const answers = await Promise.all(
    rolls.map(async (university_roll_no, n) => {
      const phone = await playwright.request.newContext({ baseURL: target.base });
      const mark = async (otp: string) =>
        (await phone.post("/api/online/mark-attendance", { data: { token, university_roll_no, otp } })).status();
      const said = [(await phone.get(`/online/${token}`)).status()];
      if (n % 3 === 0) said.push(await mark("000000"));
      said.push(await mark(await codeOf(page, id)));
      await phone.dispose();
      return said;
    }),
  );
  const took = Date.now() - start;
  expect(answers.flat().filter((status) => status === 429)).toEqual([]);
  expect(answers.map((said) => said.at(-1))).toEqual(rolls.map(() => 200));
  console.log(`figure: ${rolls.length} students behind one address: all marked in ${(took / 1000).toFixed(1)} s, none told to wait`);
  await expect(page.getByText("60 of 60 present", { exact: false }).or(page.locator(".big", { hasText: /^60$/ })).first()).toBeVisible();
  await endSession(page, id);
  await page.goto("about:blank");
  await logInAsAdmin(page);
  await refill(page.request, seeded);
});
