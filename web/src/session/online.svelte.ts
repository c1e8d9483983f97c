import { api } from "../api/client";
import type { OnlineStatus } from "../api/types";

/** The code of an online class, asked for whenever the last one runs out. Nothing as soon as nothing is heard. */
export class OnlineClass {
  status = $state.raw<OnlineStatus | null>(null);
  private askedAt = $state(0);

  constructor(
    private readonly session: string,
    private readonly now: () => number,
  ) {}

  /** Keeps asking until the answer is called. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const ask = async () => {
      let wait = 2;
      try {
        const status = await api<OnlineStatus>(`/api/teacher/session/${encodeURIComponent(this.session)}/online-status`);
        this.status = status;
        this.askedAt = this.now();
        wait = Math.max(1, Math.min(10, status.otp_time_remaining));
      } catch {
        this.status = null;
      }
      if (!stopped) timer = setTimeout(ask, wait * 1000);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  /** Whole seconds until the next code. */
  get left(): number {
    if (!this.status) return 0;
    return Math.max(0, Math.ceil(this.status.otp_time_remaining - (this.now() - this.askedAt) / 1000));
  }

  /** The code that may be shown now. */
  get code(): string | null {
    return this.left > 0 ? (this.status?.current_otp ?? null) : null;
  }

  /** Where students mark themselves: at the address by which this page was reached. */
  get url(): string {
    return this.status ? new URL(`/online/${this.status.session_token}`, location.origin).href : "";
  }
}
