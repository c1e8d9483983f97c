import { endSession, expect, logInAsAdmin, logInAsTeacher, startSession, test } from "./page";
import { SignedScanner } from "./scanner";
import { seed } from "./seed";

const run = Date.now().toString(36).toUpperCase();

test("who lacks a finger, slots for students, and a call to find a scanner", async ({ page }) => {
  const { course, students } = await seed();
  await logInAsAdmin(page);
  const name = `Door ${run}`;
  const scanner = await SignedScanner.pair(page.request, name);
  await scanner.post("/api/device/heartbeat", { enrolled_slots: [1, 2, 3, 200], slot_capacity: 300 });

  await page.goto("/a/scanners");
  const card = page.getByRole("listitem").filter({ hasText: name });
  await expect(card).toContainText("4 / 300");
  await card.getByRole("button", { name: `Let ${name} beep` }).click();
  await expect(page.getByText(`${name} beeps within 10 seconds.`)).toBeVisible();
  expect(await scanner.post("/api/device/heartbeat", {})).toEqual({ status: "ok", beep: true });

  await card.getByRole("button", { name: `Fingers in ${name}` }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByLabel("Course").selectOption({ label: `${course.code} · ${course.name}` });
  await expect(drawer.getByText("10 of 12 students have no finger in this scanner yet.")).toBeVisible();
  await drawer.getByLabel("Only students without a finger").check();
  await expect(drawer.getByRole("listitem")).toHaveCount(10);
  await drawer.getByLabel("Only students without a finger").uncheck();

  // The choice is in the address.
  await page.reload();
  await expect(drawer.getByText("10 of 12 students")).toBeVisible();
  await drawer.getByRole("button", { name: "Let slots belong to students" }).click();
  await expect(drawer.getByText("Slots belong to students, in every course.")).toBeVisible();
  await expect(drawer.getByText("Slot 200 holds a finger that belongs to nobody here.", { exact: false })).toBeVisible();

  const slots = drawer.getByLabel(`Slots of ${students[11]!.name}`);
  await expect(slots).toHaveValue("23, 24");
  await slots.fill("1");
  await slots.press("Tab");
  await expect(drawer.getByRole("alert")).toContainText(`Slot 1 belongs to ${students[0]!.name}`);
  await slots.fill("200");
  await slots.press("Tab");
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(drawer.getByText("9 of 12 students", { exact: false })).toBeVisible();
  await expect(drawer.getByText("belongs to nobody here", { exact: false })).toBeHidden();
  await page.request.delete(`/api/admin/devices/${scanner.id}`);
});

test("marks that weren't taken are shown to the teacher", async ({ page }) => {
  const seeded = await seed();
  await logInAsAdmin(page);
  const scanner = await SignedScanner.pair(page.request, `Desk ${run}`);
  await logInAsTeacher(page, seeded);
  const id = await startSession(page, seeded);
  const chosen = await page.request.post(`/api/teacher/session/${id}/device`, { data: { device_id: scanner.id } });
  expect(chosen.ok(), await chosen.text()).toBe(true);
  expect(await scanner.place(1, 77)).toEqual(["success", "not_enrolled"]);

  await page.goto(`/t/s/${id}`);
  const refused = page.getByRole("region", { name: "1 mark not taken" });
  await expect(refused).toContainText("Roll 77");
  await expect(refused).toContainText("not in this course");
  await endSession(page, id);
  await expect(page.getByRole("button", { name: /^Reopen/ })).toBeVisible();
  await expect(refused).toContainText(`Desk ${run}`);
  await logInAsAdmin(page);
  await page.request.delete(`/api/admin/devices/${scanner.id}`);
});
