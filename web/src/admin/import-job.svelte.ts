import { api } from "../api/client";
import type { ImportProgress } from "../api/types";

const everyMs = 700;

/** An import that the server works at, whoever looks on. */
export class ImportJob {
  progress = $state.raw<ImportProgress | null>(null);
  error = $state.raw<unknown>(null);

  constructor(readonly id: string) {}

  private get path(): string {
    return `/api/admin/imports/${encodeURIComponent(this.id)}`;
  }

  /** Whether there is more to hear: one that was stopped says at last how far it came. */
  private get ended(): boolean {
    const job = this.progress;
    return job !== null && job.status !== "running" && (job.status !== "cancelled" || job.result !== null);
  }

  /** Asks until it has ended, or until the answer is called. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const ask = async () => {
      await this.ask();
      if (!stopped && !this.ended) timer = setTimeout(ask, everyMs);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  async ask(): Promise<void> {
    try {
      this.progress = await api<ImportProgress>(this.path);
      this.error = null;
    } catch (caught) {
      this.error = caught;
    }
  }

  async stop(): Promise<void> {
    this.progress = await api<ImportProgress>(this.path, { method: "DELETE" });
  }
}

/** Sends a form with a file. A large one takes its time on a slow network. */
export function send<T>(path: string, file: File, words: Record<string, string>): Promise<T> {
  const form = new FormData();
  for (const [name, word] of Object.entries(words)) form.set(name, word);
  form.set("file", file, file.name);
  return api<T>(path, { method: "POST", body: form, patience: 10 * 60_000 });
}

/** Whether the file can still be read as it was chosen: one that was saved again meanwhile can't. */
export async function readable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
