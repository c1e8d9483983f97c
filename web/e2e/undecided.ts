import { Institution } from "./institution";

/** A hub and a classroom that didn't know of each other for a while, with one of each thing there is to decide. */
export async function undecided(): Promise<{ both: Institution; course: string; students: string[] }> {
  const both = await Institution.start();
  await both.join();
  const { office, room } = both;
  const ids = await both.course("CS7", ["Asha", "Vikram Nair", "Meera Iyer"]);
  await both.sync();
  const [asha, vikram, meera] = ids.students;

  const there = await both.teacher(both.node, "CS7");
  const start = { course_id: ids.course, duration_minutes: 50, session_type: "offline", topic: "Deadlocks" };
  const { session_id } = await there.send<{ session_id: string }>("POST", "/api/teacher/start-session", start);
  await both.sync();
  // The hub deletes a session and a student that the classroom goes on marking.
  const here = await both.teacher(both.hub, "CS7");
  await here.send("POST", `/api/teacher/session/${session_id}/end`, {});
  await here.send("DELETE", `/api/teacher/session/${session_id}/delete`, { reason: "it looked empty" });
  await office.send("DELETE", `/api/admin/students/${meera}`);
  for (const student_id of [vikram, meera]) {
    await there.send("POST", `/api/teacher/session/${session_id}/mark`, { student_id, status: "present", reason: "was there" });
  }
  // Both change a name and a password; both make the same student.
  await room.send("PUT", `/api/admin/students/${asha}`, { student_name: "Asha <b>Rao</b>", password: "another-secret" });
  await office.send("PUT", `/api/admin/students/${asha}`, { student_name: "Asha R.", password: "third-secret-word" });
  await both.student(room, "Zoya Khan", "NEW-1");
  await both.student(office, "Z. Khan", "new-1");
  await both.sync();
  await Promise.all([there.leave(), here.leave()]);
  return { both, ...ids };
}
