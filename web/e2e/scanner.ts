import { createHash, createHmac } from "node:crypto";
import { expect, type APIRequestContext } from "@playwright/test";
import { target } from "./target";

/** A paired scanner that signs what it says. */
export class SignedScanner {
  private counter = 0;
  private seq = 0;

  private constructor(
    private readonly request: APIRequestContext,
    readonly id: string,
    private readonly key: string,
  ) {}

  /** Adds a scanner, for which `admin` must be logged in as administrator, and pairs it. */
  static async pair(admin: APIRequestContext, name: string): Promise<SignedScanner> {
    const added = await admin.post("/api/admin/devices", { data: { name } });
    expect(added.ok(), await added.text()).toBe(true);
    const { pairing_code: code } = (await added.json()) as { pairing_code: string };
    const paired = await admin.post("/api/device/pair", { data: { code, mac_address: "02:00:00:00:00:09", firmware: "e2e" } });
    const { device_id, key } = (await paired.json()) as { device_id: string; key: string };
    return new SignedScanner(admin, device_id, key);
  }

  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const text = JSON.stringify(body);
    const counter = String(++this.counter);
    const print = createHash("sha256").update(text).digest("hex");
    const signature = createHmac("sha256", Buffer.from(this.key, "hex"))
      .update(["POST", path, counter, print].join("\n"))
      .digest("hex");
    const response = await this.request.post(target.base + path, {
      data: text,
      headers: {
        "Content-Type": "application/json",
        "X-Arise-Device": this.id,
        "X-Arise-Counter": counter,
        "X-Arise-Signature": signature,
      },
    });
    expect(response.ok(), await response.text()).toBe(true);
    return (await response.json()) as Record<string, unknown>;
  }

  /** Fingers placed now, by class roll number; what each was told. */
  async place(...rolls: number[]): Promise<string[]> {
    const marks = rolls.map((roll) => ({ seq: ++this.seq, class_roll_id: roll, observed_at: Date.now() }));
    const { results } = (await this.post("/api/device/marks", { marks })) as { results: { status: string }[] };
    return results.map(({ status }) => status);
  }
}
