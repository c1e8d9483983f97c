import { api } from "../../api/client";
import type { Conflict, ToDecide } from "../../api/types";

/** Screens that only show how much there is don't ask more often. */
const freshMs = 60_000;

/** What syncing left for an administrator to decide, for every screen that shows some of it. */
class Decisions {
  all = $state.raw<ToDecide | null>(null);
  error = $state.raw<unknown>(null);
  /** A time as the server writes it, which tells the institution's offset. */
  zone = "";
  private asked = 0;

  /** How much there is to decide. What the hub keeps aside is nobody's decision. */
  readonly count = $derived(
    this.all === null
      ? 0
      : this.all.total_conflicts + this.all.doubles.length + this.all.deleted_sessions.length + this.all.deleted_students.length,
  );

  async load(): Promise<void> {
    this.asked = Date.now();
    try {
      this.all = await api<ToDecide>("/api/admin/conflicts");
      this.error = null;
    } catch (caught) {
      this.error = caught;
    }
  }

  /** Asks unless it did lately. */
  async look(): Promise<void> {
    if (Date.now() - this.asked > freshMs) await this.load();
  }

  /** The fields of a row that have several values. */
  of(kind: string, id: string, subject: string | null = null): Conflict[] {
    return this.all?.conflicts.filter((one) => one.kind === kind && one.id === id && one.subject_id === subject) ?? [];
  }
}

export const decisions = new Decisions();
