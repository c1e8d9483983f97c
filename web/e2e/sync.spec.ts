import { expectAccessible } from "./axe";
import { Cable } from "./cable";
import { Institution } from "./institution";
import { expect, expectNoSidewaysScroll, test } from "./page";

test("a classroom’s first sync shows how far it is", async ({ page }) => {
  test.setTimeout(240_000);
  const both = await Institution.start();
  const cable = new Cable(both.hub.base);
  await cable.mend();
  try {
    await both.import(Array.from({ length: 4000 }, (_, n) => `Student ${n},FIRST${n}`));
    await both.join(cable.base);
    const login = await page.request.post(`${both.node.base}/api/admin/login`, { data: Institution.admin });
    expect(login.ok(), await login.text()).toBe(true);
    await page.goto(`${both.node.base}/a/sync`);

    // The records come in parts, over a network that takes its time.
    cable.delay = 100;
    await page.getByRole("button", { name: "Sync now" }).press("Enter");
    const part = page.getByRole("meter", { name: /^[\d,]+ of the hub’s [\d,]+ records are here\.$/ });
    await expect
      .poll(async () => ((await part.count()) > 0 ? Number(await part.getAttribute("aria-valuenow")) : 0), { timeout: 60_000 })
      .toBeGreaterThan(0);
    expect(Number(await part.getAttribute("aria-valuenow"))).toBeLessThan(Number(await part.getAttribute("aria-valuemax")));
    await expect(page.getByText("Syncing", { exact: true }).last()).toBeVisible();
    await page.setViewportSize({ width: 360, height: 740 });
    await expectNoSidewaysScroll(page);
    await expectAccessible(page, "a first sync");

    cable.delay = 0;
    await expect(page.getByText("All is sent")).toBeVisible({ timeout: 60_000 });
    await expect(part).toBeHidden({ timeout: 60_000 });
    const students = await both.room.send<unknown[]>("GET", "/api/admin/students?q=FIRST&limit=5");
    expect(students).toHaveLength(5);
  } finally {
    await cable.cut();
    await both.stop();
  }
});

test("a classroom is given some courses", async ({ page }) => {
  test.setTimeout(120_000);
  const both = await Institution.start();
  try {
    await both.course("CS7", ["Asha"]);
    await both.course("MA7", ["Vikram"]);
    await both.join();
    const login = await page.request.post(`${both.hub.base}/api/admin/login`, { data: Institution.admin });
    expect(login.ok(), await login.text()).toBe(true);
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${both.hub.base}/a/sync`);
    await expect(page.getByText("All courses")).toBeVisible();
    await page.getByRole("button", { name: "Courses of Room 7" }).press("Enter");
    const drawer = page.getByRole("dialog", { name: "Courses of Room 7" });
    await drawer.getByRole("radio", { name: "Some courses" }).press("Space");
    await expect(drawer.getByRole("button", { name: "Save" })).toBeDisabled();
    await drawer.getByRole("searchbox", { name: "Search courses" }).fill("ma7");
    await expect(drawer.getByRole("checkbox")).toHaveCount(1);
    await expectAccessible(page, "the courses of a classroom");
    await expectNoSidewaysScroll(page);
    await drawer.getByRole("checkbox", { name: "MA7" }).press("Space");
    await drawer.getByRole("button", { name: "Save" }).press("Enter");
    await expect(drawer).toBeHidden();
    await expect(page.getByText("1 course", { exact: true })).toBeVisible();

    await both.sync();
    const { course_ids } = await both.room.send<{ course_ids: string[] }>("GET", "/api/sync/status");
    expect(course_ids).toHaveLength(1);
    const teachers = await both.room.send<{ teacher_name: string }[]>("GET", "/api/admin/teachers");
    expect(teachers).toHaveLength(1);
    await page.goto(`${both.hub.base}/a/audit`);
    await expect(page.getByText("changed the courses given to").first()).toBeVisible();
  } finally {
    await both.stop();
  }
});
