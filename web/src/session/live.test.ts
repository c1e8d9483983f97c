import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Device, Mark, RosterEntry, Session, Snapshot } from "../api/types";
import type { Row } from "./live.svelte";
import { TaughtSession } from "./taught.svelte";

const session: Session = {
  session_id: "s1",
  course_id: "c1",
  course_code: "CS301",
  course_name: "Operating Systems",
  teacher_name: "S. Rao",
  topic: "",
  session_type: "offline",
  start_time: "2026-11-22T10:00:00+05:30",
  end_time: "2026-11-22T10:50:00+05:30",
  closes_at: "2026-11-22T10:55:00+05:30",
  grace_seconds: 300,
  late_after_minutes: 10,
  is_active: true,
  seconds_remaining: 2700,
  can_reopen_until: null,
  device_id: null,
  server_time: "2026-11-22T10:05:00+05:30",
  enrolled_count: 3,
};

function student(n: number, change: Partial<RosterEntry> = {}): RosterEntry {
  return {
    student_id: `st${n}`,
    student_name: `Student ${n}`,
    university_roll_no: `R${n}`,
    class_roll_id: n,
    status: null,
    source: null,
    observed_at: null,
    reason: null,
    ...change,
  };
}

function scan(n: number, change: Partial<Mark> = {}): Mark {
  return {
    student_id: `st${n}`,
    university_roll_no: `R${n}`,
    class_roll_id: n,
    status: "present",
    source: "fingerprint",
    reason: null,
    observed_at: "2026-11-22T10:04:00+05:30",
    recorded_at: "2026-11-22T10:04:01+05:30",
    ...change,
  };
}

/** Answers the next requests by hand, in whatever order the test wants. */
function server() {
  const waiting: { body: { student_id: string; status: string | null }; answer: (status: number, body: unknown) => void }[] = [];
  vi.stubGlobal("fetch", (_path: string, init: RequestInit) => {
    return new Promise<Response>((resolve) => {
      waiting.push({
        body: init.body ? JSON.parse(String(init.body)) : {},
        answer: (status, body) => resolve(new Response(JSON.stringify(body), { status })),
      });
    });
  });
  return waiting;
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

describe("TaughtSession", () => {
  let live: TaughtSession;
  let row: (n: number) => Row;

  beforeEach(() => {
    live = new TaughtSession("s1");
    const snapshot: Snapshot = { session, students: [student(10), student(2), student(1)], devices: [] };
    live.receive("snapshot", snapshot);
    row = (n) => live.rows.find(({ id }) => id === `st${n}`)!;
  });

  it("puts the roster in the order of the roll numbers", () => {
    expect(live.rows.map(({ roll }) => roll)).toEqual([1, 2, 10]);
    expect(live.counts).toEqual({ present: 0, late: 0, absent: 0, excused: 0, unmarked: 3 });
  });

  it("takes marks, keeps the rows, and lists what is new", () => {
    const before = row(2);
    live.receive("mark", scan(2));
    live.receive("mark", scan(10, { status: "late" }));
    live.receive("mark", scan(2));
    expect(row(2)).toBe(before);
    expect(live.counts).toEqual({ present: 1, late: 1, absent: 0, excused: 0, unmarked: 1 });
    expect(live.latest.map(({ row }) => row.roll)).toEqual([10, 2]);
  });

  it("keeps the rows over a snapshot and takes what it says", () => {
    const before = row(1);
    live.receive("mark", scan(1));
    live.receive("snapshot", { session, students: [student(1), student(2, { status: "absent", source: "teacher" }), student(10)], devices: [] });
    expect(row(1)).toBe(before);
    expect([row(1).status, row(2).status]).toEqual([null, "absent"]);
  });

  it("lists what happened before the page was opened, newest first", () => {
    const at = (minute: number) => ({ status: "present" as const, observed_at: `2026-11-22T10:0${minute}:00+05:30` });
    const opened = new TaughtSession("s1");
    opened.receive("snapshot", {
      session,
      students: [student(1, at(1)), student(2, at(3)), student(3)],
      devices: [],
    });
    expect(opened.latest.map(({ row }) => row.id)).toEqual(["st2", "st1"]);
  });

  it("adds and drops students with a snapshot", () => {
    live.receive("snapshot", { session, students: [student(1), student(3)], devices: [] });
    expect(live.rows.map(({ roll }) => roll)).toEqual([1, 3]);
  });

  it("replaces one scanner", () => {
    const device = { id: "d2", name: "B", status: "online" } as Device;
    live.receive("device", device);
    live.receive("device", { ...device, id: "d1", name: "A" });
    live.receive("device", { ...device, status: "offline" });
    expect(live.devices.map(({ name, status }) => `${name} ${status}`)).toEqual(["A online", "B offline"]);
  });

  it("shows a mark at once and lets the answer have the last word", async () => {
    const requests = server();
    const done = live.mark(row(1), "present");
    expect(row(1).status).toBe("present");
    await settle();
    requests[0]!.answer(200, { status: "success", mark: scan(1, { status: "late", source: "teacher" }) });
    await done;
    expect(row(1).status).toBe("late");
  });

  it("goes back when the server refuses", async () => {
    const requests = server();
    const done = live.mark(row(1), "present");
    await settle();
    requests[0]!.answer(409, { code: "session_ended", message: "The session has ended." });
    await expect(done).rejects.toThrow("The session has ended.");
    expect(row(1).status).toBeNull();
    expect(live.steps).toEqual([]);
  });

  it("sends two marks of one student one after the other", async () => {
    const requests = server();
    const first = live.mark(row(1), "present");
    const second = live.mark(row(1), "absent");
    await settle();
    expect(requests.map(({ body }) => body.status)).toEqual(["present"]);
    requests[0]!.answer(200, { mark: scan(1, { source: "teacher" }) });
    await first;
    expect(row(1).status).toBe("absent");
    await settle();
    requests[1]!.answer(200, { mark: scan(1, { status: "absent", source: "teacher" }) });
    await second;
    expect(row(1).status).toBe("absent");
  });

  it("undoes to the teacher's earlier decision, or to what the scanners said", async () => {
    live.receive("mark", scan(1));
    live.receive("mark", scan(2, { status: "excused", source: "teacher" }));
    const requests = server();
    for (const n of [1, 2]) {
      const done = live.mark(row(n), "absent");
      await settle();
      requests.at(-1)!.answer(200, { mark: scan(n, { status: "absent", source: "teacher" }) });
      await done;
    }
    const undone = live.undo(live.lastStep!);
    await settle();
    expect(requests.at(-1)!.body).toEqual({ student_id: "st2", status: "excused" });
    requests.at(-1)!.answer(200, { mark: scan(2, { status: "excused", source: "teacher" }) });
    await undone;

    void live.undo(live.lastStep!);
    await settle();
    expect(requests.at(-1)!.body).toEqual({ student_id: "st1", status: null });
  });

  it("toggles: a scan is overruled, one's own mark is taken back", () => {
    expect(live.toggled(row(1))).toBe("present");
    live.receive("mark", scan(1));
    expect(live.toggled(row(1))).toBe("absent");
    live.receive("mark", scan(1, { source: "teacher" }));
    expect(live.toggled(row(1))).toBeNull();
    live.receive("mark", scan(1, { status: "absent", source: "teacher" }));
    expect(live.toggled(row(1))).toBe("present");
  });

  it("doesn't lose what is said while a snapshot is on its way", async () => {
    const requests = server();
    const refreshed = live.refresh();
    live.receive("mark", scan(1));
    expect(row(1).status).toBeNull();
    requests[0]!.answer(200, { session, students: [student(1), student(2), student(10)], devices: [] });
    await refreshed;
    expect(row(1).status).toBe("present");
  });
});
