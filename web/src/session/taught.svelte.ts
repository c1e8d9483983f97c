import { api, post } from "../api/client";
import type { Mark, Status } from "../api/types";
import { serverNow } from "../lib/clock.svelte";
import { LiveSession, type Row } from "./live.svelte";

/** One thing a person did here, and what takes it back. */
export interface Step {
  id: number;
  row: Row;
  from: Status | null;
  to: Status | null;
  /** What to send to take it back: the person's earlier decision, or null for whatever the scanners said. */
  back: Status | null;
  at: number;
  undone: boolean;
}

/** A session as its teacher has it: followed, and acted on. */
export class TaughtSession extends LiveSession {
  steps = $state<Step[]>([]);

  private nextStep = 1;

  /** What a click does: present becomes not present, anything else becomes present. */
  toggled(row: Row): Status | null {
    if (!row.attended) return "present";
    return row.decided || row.asked ? null : "absent";
  }

  /** Shows the mark at once, sends it, and lets the server's answer have the last word. */
  async mark(row: Row, status: Status | null, reason?: string, undoing?: Step): Promise<void> {
    const step: Step = {
      id: this.nextStep++,
      row,
      from: row.status,
      to: status,
      back: row.decided && !row.asked ? row.known : null,
      at: serverNow(),
      undone: false,
    };
    const asked = { status };
    row.asked = asked;
    if (undoing) undoing.undone = true;
    else this.steps = [step, ...this.steps].slice(0, 50);
    try {
      const answer = await this.inTurn(row, () =>
        post<{ mark: Mark }>(`${this.path}/mark`, { student_id: row.id, status, ...(reason ? { reason } : {}) }),
      );
      this.applyMark(answer.mark);
    } catch (error) {
      if (undoing) undoing.undone = false;
      else this.steps = this.steps.filter(({ id }) => id !== step.id);
      throw error;
    } finally {
      // A later click on the same row may be waiting for its own answer.
      if (row.asked === asked) row.asked = null;
    }
  }

  private turns = new Map<Row, Promise<unknown>>();

  /** Two marks of one student reach the server in the order in which they were made. */
  private inTurn<T>(row: Row, send: () => Promise<T>): Promise<T> {
    const before = this.turns.get(row) ?? Promise.resolve();
    const turn = before.then(send, send);
    this.turns.set(row, turn);
    const done = () => {
      if (this.turns.get(row) === turn) this.turns.delete(row);
    };
    turn.then(done, done);
    return turn;
  }

  /** The newest step that has not been taken back. */
  get lastStep(): Step | undefined {
    return this.steps.find(({ undone }) => !undone);
  }

  undo(step: Step): Promise<void> {
    return this.mark(step.row, step.back, undefined, step);
  }

  async extend(): Promise<void> {
    await post(`${this.path}/extend`);
    await this.refresh();
  }

  async end(): Promise<void> {
    await post(`${this.path}/end`);
    await this.refresh();
  }

  async reopen(): Promise<void> {
    await post(`${this.path}/reopen`);
    await this.refresh();
  }

  async markMany(rows: Row[], status: "present" | "absent", reason: string): Promise<void> {
    await post("/api/teacher/emergency-bulk-mark", {
      session_id: this.id,
      students: rows.map((row) => ({ roll: row.univRoll, status })),
      reason,
    });
    await this.refresh();
  }

  async remove(reason: string): Promise<void> {
    await api(`${this.path}/delete`, { method: "DELETE", body: { reason } });
  }
}
