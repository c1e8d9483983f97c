import { connect, createServer, type Server, type Socket } from "node:net";
import { target } from "./target";

/** What a slow cable carries at a time, in bytes. */
const piece = 4096;

/** A way to a server that can be cut: the other end of it goes as when the server dies. */
export class Cable {
  private readonly ends = new Set<Socket>();
  private server: Server | null = null;
  private port = 0;
  /** How long each piece that comes back takes, in milliseconds. */
  delay = 0;

  constructor(private readonly to = target.base) {}

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async mend(): Promise<void> {
    const { hostname, port } = new URL(this.to);
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
      }
      near.pipe(far);
      this.carry(far, near);
    });
    this.server = server;
    await new Promise<void>((done) => server.listen(this.port, "127.0.0.1", done));
    const address = server.address();
    if (typeof address === "object" && address) this.port = address.port;
  }

  private carry(from: Socket, to: Socket): void {
    from.on("data", (chunk: Buffer) => {
      from.pause();
      void this.send(chunk, to).then(() => from.resume());
    });
    from.on("end", () => to.end());
  }

  private async send(chunk: Buffer, to: Socket): Promise<void> {
    for (let at = 0; at < chunk.length; at += this.delay > 0 ? piece : chunk.length) {
      if (this.delay > 0) await new Promise((done) => setTimeout(done, this.delay));
      if (to.destroyed) return;
      to.write(this.delay > 0 ? chunk.subarray(at, at + piece) : chunk.subarray(at));
    }
  }

  async cut(): Promise<void> {
    const closed = new Promise((done) => this.server?.close(done));
    for (const end of this.ends) end.destroy();
    await closed;
  }
}
