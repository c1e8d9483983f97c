import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test as base } from "./page";
import { known, program } from "./target";

/** What the first administrator's password is until it is changed. */
export const firstPassword = "admin";

/** A server of a new institution, for tests of what happens once in an institution's life. */
export class Server {
  private constructor(
    readonly base: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  /** `env`: what it is told besides, as the environment's variables. */
  static async start(env: Record<string, string> = {}): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), "arise-e2e-"));
    const ready = join(folder, "ready.json");
    let said = "";
    const child = spawn(program(), ["serve", "--data", join(folder, "data"), "--host", "127.0.0.1", "--port", "0", "--ready-file", ready], {
      cwd: folder,
      env: { PATH: process.env.PATH, ADMIN_DEFAULT_PASSWORD: firstPassword, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += String(data)));
    const base = await new Promise<string>((started, failed) => {
      const deadline = Date.now() + 60_000;
      const look = setInterval(() => {
        // The file gets its name when it is whole.
        const at = existsSync(ready) ? (JSON.parse(readFileSync(ready, "utf8")) as { base: string }).base : null;
        if (!at && child.exitCode === null && Date.now() < deadline) return;
        clearInterval(look);
        if (at) started(at);
        else failed(new Error(`the server didn't start:\n${said}`));
      }, 50);
    });
    known.add(new URL(base).origin);
    return new Server(base, child, folder);
  }

  async stop(): Promise<void> {
    const ended = new Promise<number | null>((done) => this.child.once("exit", done));
    this.child.kill("SIGTERM");
    expect(await ended, "the server's exit code").toBe(0);
    rmSync(this.folder, { recursive: true });
  }
}

/** Tests on a server of their own, one for all tests of a file. */
export const test = base.extend<object, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  baseURL: async ({ server }, use) => use(server.base),
});

export { expect };
