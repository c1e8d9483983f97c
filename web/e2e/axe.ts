import axe, { type RunOptions } from "axe-core";
import type { Page } from "@playwright/test";
import { expect } from "./page";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Colours are measured when nothing moves any more. */
async function stillness(page: Page): Promise<void> {
  await page.evaluate(() => {
    const once = document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations === 1);
    return Promise.all(once.map((animation) => animation.finished.catch(() => {})));
  });
}

/** What axe finds wrong, by rule with the places. It is put into the page once and stays until the next page. */
async function violations(page: Page, options: RunOptions): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(async (options) => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { ...options, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  }, options);
}

/** Nothing that axe knows of is wrong with the page, in either theme. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await stillness(page);
  // Soft, so that one run tells of every screen.
  expect.soft(await violations(page, { runOnly: tags }), what).toEqual([]);
  // The themes differ in nothing but colours.
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => (document.documentElement.dataset.theme = "dark"));
  await stillness(page);
  expect.soft(await violations(page, { runOnly: { type: "rule", values: ["color-contrast"] } }), `${what}, dark`).toEqual([]);
  await page.emulateMedia({ colorScheme: "light" });
  await page.evaluate(() => (document.documentElement.dataset.theme = "light"));
}
