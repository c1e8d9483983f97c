import { api, post } from "../api/client";
import type { Device, Mark, RosterEntry, Session, Snapshot, Source, Status } from "../api/types";
import { serverNow, setServerTime } from "../lib/clock.svelte";
import { followShared } from "../lib/shared-stream";

/** How the page hears from the server: `polling` is slower but as good. */
export type Connection = "connecting" | "live" | "polling" | "reconnecting" | "offline";

/** One student of the roster. Each has its own state, so that a mark redraws one row and not five hundred. */
export class Row {
  readonly id: string;
  readonly name: string;
  readonly univRoll: string;
  readonly roll: number | null;
  readonly searchText: string;

  /** What the server last said. */
  known = $state<Status | null>(null);
  source = $state<Source | null>(null);
  observedAt = $state<string | null>(null);
  reason = $state<string | null>(null);
  /** What was just asked for and not answered yet. */
  asked = $state.raw<{ status: Status | null } | null>(null);

  readonly status = $derived(this.asked ? this.asked.status : this.known);

  constructor(entry: RosterEntry) {
    this.id = entry.student_id;
    this.name = entry.student_name;
    this.univRoll = entry.university_roll_no;
    this.roll = entry.class_roll_id;
    this.searchText = `${entry.class_roll_id ?? ""} ${entry.student_name} ${entry.university_roll_no}`.toLocaleLowerCase();
    this.accept(entry);
  }

  accept(mark: Pick<Mark, "status" | "source" | "observed_at" | "reason">): void {
    this.known = mark.status;
    this.source = mark.source;
    this.observedAt = mark.observed_at;
    this.reason = mark.reason ?? null;
  }

  /** Decided by a person, not by a scanner or a code. */
  get decided(): boolean {
    return this.source !== null && human.has(this.source);
  }

  get attended(): boolean {
    return this.status === "present" || this.status === "late";
  }
}

const human = new Set<Source>(["teacher", "emergency", "correction", "leave", "terminal"]);

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

/** Something that happened, newest first, for the side panel. */
export interface Latest {
  id: number;
  row: Row;
  status: Status | null;
  source: Source | null;
  at: string;
}

export class LiveSession {
  session = $state.raw<Session | null>(null);
  rows = $state.raw<Row[]>([]);
  devices = $state.raw<Device[]>([]);
  connection = $state<Connection>("connecting");
  /** When the server was last heard, in its own time. */
  heardAt = $state(0);
  error = $state.raw<unknown>(null);
  steps = $state<Step[]>([]);
  latest = $state.raw<Latest[]>([]);

  readonly counts = $derived.by(() => {
    const counts = { present: 0, late: 0, absent: 0, excused: 0, unmarked: 0 };
    for (const row of this.rows) counts[row.status ?? "unmarked"]++;
    return counts;
  });

  private byId = new Map<string, Row>();
  private nextStep = 1;
  private nextLatest = 1;
  private pending: (() => void)[] | null = null;

  constructor(readonly id: string) {}

  private get path(): string {
    return `/api/teacher/session/${encodeURIComponent(this.id)}`;
  }

  /** Fetches the session and follows it until the returned function is called. */
  follow(): () => void {
    let silentSince: number | null = null;
    let stopped = false;

    void this.refresh();
    const leave = followShared(`${this.path}/live`, {
      event: (name, data) => {
        this.heard();
        this.receive(name, JSON.parse(data));
      },
      state: (state) => {
        if (state === "live") {
          silentSince = null;
          this.heard();
          this.connection = "live";
        } else if (state === "reconnecting") {
          silentSince ??= Date.now();
          if (this.connection !== "offline") this.connection = "reconnecting";
        } else {
          // The stream won't have us, for a reason that asking for the session will tell.
          silentSince ??= 0;
          void this.refresh();
        }
      },
      joined: () => void this.refresh(),
    });

    const timer = setInterval(async () => {
      if (stopped || silentSince === null || Date.now() - silentSince < 4000) return;
      // The stream has been gone for a while; plain requests may still get through.
      const ok = await this.refresh();
      if (silentSince !== null && !stopped) this.connection = ok ? "polling" : "offline";
    }, 4000);

    return () => {
      stopped = true;
      clearInterval(timer);
      leave();
    };
  }

  /** Asks for everything. What the stream says meanwhile is newer than the answer, so it waits for it. */
  async refresh(): Promise<boolean> {
    const outermost = this.pending === null;
    this.pending ??= [];
    try {
      const snapshot = await api<Snapshot>(`${this.path}/snapshot`);
      this.heard();
      this.error = null;
      this.applySnapshot(snapshot);
      return true;
    } catch (error) {
      this.error = error;
      return false;
    } finally {
      if (outermost) {
        const waiting = this.pending ?? [];
        this.pending = null;
        for (const apply of waiting) apply();
      }
    }
  }

  private heard(): void {
    this.heardAt = serverNow();
  }

  receive(name: string, data: unknown): void {
    if (name === "snapshot") {
      this.error = null;
      this.applySnapshot(data as Snapshot);
      return;
    }
    if (this.pending) {
      this.pending.push(() => this.receive(name, data));
      return;
    }
    if (name === "mark") this.applyMark(data as Mark);
    else if (name === "session") this.applySession(data as Session);
    else if (name === "device") this.applyDevice(data as Device);
  }

  applySnapshot({ session, students, devices }: Snapshot): void {
    this.applySession(session);
    this.devices = devices;
    const known = this.byId;
    const sameStudents =
      students.length === this.rows.length && students.every(({ student_id }) => known.has(student_id));
    if (sameStudents) {
      for (const entry of students) known.get(entry.student_id)!.accept(entry);
      return;
    }
    const rows = students.map((entry) => {
      const row = known.get(entry.student_id);
      row?.accept(entry);
      return row ?? new Row(entry);
    });
    rows.sort(
      (a, b) => (a.roll ?? Infinity) - (b.roll ?? Infinity) || a.univRoll.localeCompare(b.univRoll, undefined, { numeric: true }),
    );
    this.byId = new Map(rows.map((row) => [row.id, row]));
    this.rows = rows;
  }

  applySession(session: Session): void {
    this.session = session;
    setServerTime(session.server_time);
  }

  applyDevice(device: Device): void {
    const others = this.devices.filter(({ id }) => id !== device.id);
    this.devices = [...others, device].sort((a, b) => a.name.localeCompare(b.name));
  }

  applyMark(mark: Mark): void {
    const row = this.byId.get(mark.student_id);
    if (!row) {
      // Enrolled after we looked.
      void this.refresh();
      return;
    }
    const changed = row.known !== mark.status || row.source !== mark.source;
    row.accept(mark);
    if (changed) {
      const entry = { id: this.nextLatest++, row, status: mark.status, source: mark.source, at: mark.recorded_at };
      this.latest = [entry, ...this.latest].slice(0, 30);
    }
  }

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

