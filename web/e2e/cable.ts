import { connect, createServer, type Server, type Socket } from "node:net";
import { target } from "./target";

/** A way to the server that can be cut: the browser's end of it goes as when the server dies. */
export class Cable {
  private readonly ends = new Set<Socket>();
  private server: Server | null = null;
  private port = 0;

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async mend(): Promise<void> {
    const { hostname, port } = new URL(target.base);
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const [end, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.ends.add(end);
        end.on("error", () => other.destroy());
        end.on("close", () => {
          this.ends.delete(end);
          other.destroy();
        });
        end.pipe(other);
      }
    });
    this.server = server;
    await new Promise<void>((done) => server.listen(this.port, "127.0.0.1", done));
    const address = server.address();
    if (typeof address === "object" && address) this.port = address.port;
  }

  async cut(): Promise<void> {
    const closed = new Promise((done) => this.server?.close(done));
    for (const end of this.ends) end.destroy();
    await closed;
  }
}
