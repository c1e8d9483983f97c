/** Whose finger is in which slot of a scanner's sensor, for the students of one course. */
export interface Slots {
  /** The slots belong to students; otherwise two to a class roll number. */
  slot_map: boolean;
  slot_capacity: number | null;
  enrolled_known: boolean;
  students: Owner[];
  /** Students without any finger in the sensor. */
  lacking: number;
  /** Slots that hold a finger and belong to nobody. */
  unknown_slots: number[];
}

export interface Owner {
  student_id: string;
  student_name: string;
  university_roll_no: string;
  class_roll_id: number;
  slots: number[];
  enrolled_slots: number[];
}

/** `1, 2, 7` as numbers; `null` when it isn't a list of them. */
export function readSlots(text: string): number[] | null {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const slots = words.map(Number);
  return slots.every((slot) => Number.isInteger(slot) && slot >= 1) ? [...new Set(slots)].sort((a, b) => a - b) : null;
}

/** `1–4, 7` */
export function writeRanges(slots: number[]): string {
  const ranges: [number, number][] = [];
  for (const slot of [...slots].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && slot === last[1] + 1) last[1] = slot;
    else ranges.push([slot, slot]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}
