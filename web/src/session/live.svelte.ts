import { api } from "../api/client";
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

  accept(mark: Pick<RosterEntry, "status" | "source" | "observed_at" | "reason">): void {
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
  latest = $state.raw<Latest[]>([]);

  readonly counts = $derived.by(() => {
    const counts = { present: 0, late: 0, absent: 0, excused: 0, unmarked: 0 };
    for (const row of this.rows) counts[row.status ?? "unmarked"]++;
    return counts;
  });

  private byId = new Map<string, Row>();
  private nextLatest = 1;
  private pending: (() => void)[] | null = null;

  constructor(readonly id: string) {}

  protected get path(): string {
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
    if (this.latest.length === 0) this.latest = this.marksBefore(rows);
  }

  /** What happened before the page was opened, newest first. */
  private marksBefore(rows: Row[]): Latest[] {
    return rows
      .filter((row) => row.known !== null && row.observedAt !== null)
      .sort((a, b) => Date.parse(b.observedAt!) - Date.parse(a.observedAt!))
      .slice(0, 8)
      .map((row) => ({ id: this.nextLatest++, row, status: row.known, source: row.source, at: row.observedAt! }));
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
}
