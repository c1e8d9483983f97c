import { defineConfig } from "@playwright/test";
import tests from "./playwright.config";

// Every screen as a picture, in /screenshots beside this folder; the server is told by ARISE_E2E.
export default defineConfig({ ...tests, testDir: "shots", workers: 1, reporter: "list", use: { ...tests.use, trace: "off" } });
