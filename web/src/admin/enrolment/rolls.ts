/** The largest class roll number a course can give. */
export const maxRoll = 100_000;

/** The smallest number that nobody has. */
export function nextFree(taken: Set<number>): number {
  let roll = 1;
  while (taken.has(roll)) roll++;
  return roll;
}

/** A typed class roll number, or null when it is none. */
export function readRoll(text: string): number | null {
  const trimmed = text.trim();
  if (!/^\d{1,6}$/.test(trimmed)) return null;
  const roll = Number(trimmed);
  return roll >= 1 && roll <= maxRoll ? roll : null;
}

/** Who shares a number with whom: for each student of a shared number, the names of the others. */
export function sharedRolls<T extends { student_id: string; student_name: string; roll: string }>(
  rows: T[],
): Map<string, string[]> {
  const byRoll = new Map<number, T[]>();
  for (const row of rows) {
    const roll = readRoll(row.roll);
    if (roll === null) continue;
    const same = byRoll.get(roll);
    if (same) same.push(row);
    else byRoll.set(roll, [row]);
  }
  const shared = new Map<string, string[]>();
  for (const same of byRoll.values()) {
    if (same.length < 2) continue;
    for (const row of same) {
      shared.set(
        row.student_id,
        same.filter((other) => other !== row).map(({ student_name }) => student_name),
      );
    }
  }
  return shared;
}
