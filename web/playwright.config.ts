import { defineConfig } from "@playwright/test";
import { target } from "./e2e/target";

// Runs against a server that is up already; where it is and who may log in is told by ARISE_E2E.
export default defineConfig({
  testDir: "e2e",
  // A file's tests follow one another; two files at once share the server. Figures are taken one at a time.
  fullyParallel: false,
  workers: process.env.ARISE_BARS === "1" ? 1 : 2,
  timeout: 240_000,
  // Generous, for machines that do other things meanwhile.
  expect: { timeout: 30_000 },
  reporter: process.env.CI ? "line" : "list",
  outputDir: "test-results",
  use: {
    baseURL: target.base,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
    trace: "retain-on-failure",
  },
});
