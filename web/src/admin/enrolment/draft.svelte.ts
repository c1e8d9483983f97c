import { SvelteSet } from "svelte/reactivity";
import { api, post } from "../../api/client";
import type { Enrolled, Enrolments } from "../../api/types";
import { nextFree, readRoll, sharedRolls } from "./rolls";

export interface Person {
  student_id: string;
  student_name: string;
  university_roll_no: string;
}

/** A student of the course as the page has them, not as the server does until it is saved. */
export interface Place extends Person {
  roll: string;
}

export type Side = "others" | "course";

// Nobody reads further than this; the search narrows it.
export const shownAtOnce = 100;

export const matches = (person: Person, typed: string) =>
  `${person.student_name} ${person.university_roll_no}`.toLocaleLowerCase().includes(typed.trim().toLocaleLowerCase());

/** Who belongs to a course, as it is being changed. */
export class Draft {
  saved = $state.raw<Enrolled[] | null>(null);
  places = $state<Place[]>([]);
  /** Who could be added, of those that the search finds. */
  others = $state.raw<Person[]>([]);
  error = $state.raw<unknown>(null);
  readonly ticked = new SvelteSet<string>();
  /** What is dragged is remembered here: other windows' things are none of ours. */
  dragged = $state<{ from: Side; ids: string[] } | null>(null);
  over = $state<Side | null>(null);
  private turn = $state(0);
  private readonly path: string;

  constructor(course: string) {
    this.path = `/api/admin/enrollments/${encodeURIComponent(course)}`;
  }

  private readonly placed = $derived(new Set(this.places.map(({ student_id }) => student_id)));
  readonly before = $derived(new Map(this.saved?.map((row) => [row.student_id, row])));
  // Somebody taken out of the course but not saved yet can be put back from the other side.
  readonly takenOut = $derived((this.saved ?? []).filter((row) => !this.placed.has(row.student_id)));
  readonly shared = $derived(sharedRolls(this.places));
  readonly wrong = $derived(
    this.places.filter(({ student_id, roll }) => readRoll(roll) === null || this.shared.has(student_id)).length,
  );
  readonly joined = $derived(this.places.filter(({ student_id }) => !this.before.has(student_id)).length);
  readonly renumbered = $derived(
    this.places.filter(({ student_id, roll }) => {
      const known = this.before.get(student_id);
      return known !== undefined && known.class_roll_id !== readRoll(roll);
    }).length,
  );
  readonly changed = $derived(this.joined + this.takenOut.length + this.renumbered > 0);

  /** Those who aren't in the course and have `words` in their name or number. */
  candidates(words: string): Person[] {
    return [
      ...this.takenOut.filter((person) => matches(person, words)),
      ...this.others.filter(({ student_id }) => !this.placed.has(student_id) && !this.before.has(student_id)),
    ];
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      const { enrolled } = await api<Enrolments>(`${this.path}?limit=1`);
      this.saved = enrolled;
      this.places = enrolled.map(({ class_roll_id, ...person }) => ({ ...person, roll: String(class_roll_id) }));
    } catch (caught) {
      this.error = caught;
    }
  }

  /** For an effect: who could be added is searched for on the server, since a college has thousands. */
  find(words: string): () => void {
    void this.turn;
    const abort = new AbortController();
    const query = new URLSearchParams({ limit: String(shownAtOnce), q: words });
    api<Enrolments>(`${this.path}?${query}`, { signal: abort.signal }).then(
      ({ available }) => (this.others = available.map(({ id: student_id, ...person }) => ({ student_id, ...person }))),
      (caught) => {
        if (!abort.signal.aborted) this.error = caught;
      },
    );
    return () => abort.abort();
  }

  async refresh(): Promise<void> {
    await this.load();
    this.turn++;
  }

  add(people: Person[]): void {
    const taken = new Set(this.places.flatMap(({ roll }) => readRoll(roll) ?? []));
    for (const person of people) {
      if (this.placed.has(person.student_id)) continue;
      // Whoever comes back gets the number they had, if nobody else has it by now.
      const had = this.before.get(person.student_id)?.class_roll_id;
      const roll = had !== undefined && !taken.has(had) ? had : nextFree(taken);
      taken.add(roll);
      const { student_id, student_name, university_roll_no } = person;
      this.places.push({ student_id, student_name, university_roll_no, roll: String(roll) });
      this.ticked.delete(student_id);
    }
  }

  remove(ids: string[]): void {
    this.places = this.places.filter(({ student_id }) => !ids.includes(student_id));
  }

  tick(student: string): void {
    if (!this.ticked.delete(student)) this.ticked.add(student);
  }

  numberAll(): void {
    const byRoll = [...this.places].sort((a, b) =>
      a.university_roll_no.localeCompare(b.university_roll_no, "en", { numeric: true }),
    );
    for (const [i, place] of byRoll.entries()) place.roll = String(i + 1);
    this.places = byRoll;
  }

  /** Saves from the given day on, or from today. Answers what takes it back. */
  async save(fromOn: string): Promise<() => Promise<void>> {
    const before = this.saved!.map(({ student_id, class_roll_id }) => ({ student_id, class_roll_id }));
    const students = this.places.map(({ student_id, roll }) => ({ student_id, class_roll_id: readRoll(roll) }));
    await post(this.path, fromOn ? { students, from_on: fromOn } : students);
    await this.refresh();
    return async () => {
      await post(this.path, before);
      await this.refresh();
    };
  }

  startDrag(event: DragEvent, from: Side, student: string): void {
    // Dragging one of the ticked ones takes all of them along.
    const ids = from === "others" && this.ticked.has(student) ? [...this.ticked] : [student];
    this.dragged = { from, ids };
    event.dataTransfer?.setData("text/plain", String(ids.length));
    if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
  }

  endDrag(): void {
    this.dragged = this.over = null;
  }

  mayDrop(event: DragEvent, on: Side): void {
    if (!this.dragged || this.dragged.from === on) return;
    event.preventDefault();
    this.over = on;
  }

  drop(event: DragEvent, on: Side, candidates: Person[]): void {
    event.preventDefault();
    const what = this.dragged;
    this.endDrag();
    if (!what || what.from === on) return;
    if (on === "course") this.add(candidates.filter(({ student_id }) => what.ids.includes(student_id)));
    else this.remove(what.ids);
  }
}
