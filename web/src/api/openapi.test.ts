import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Described {
  paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, { "x-events"?: Record<string, { $ref: string }> }> }> }>>;
}

const document = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8")) as Described;

// Their fields are checked by the compiler, like those of every answer; a name isn't anywhere else.
it("the events of the live stream are those that the live screen reads, as the same types", () => {
  const stream = document.paths["/api/teacher/session/{id}/live"]!.get!.responses["200"]!.content!["text/event-stream"]!;
  const types = Object.fromEntries(Object.entries(stream["x-events"]!).map(([name, { $ref }]) => [name, $ref.split("/").at(-1)]));
  expect(types).toEqual({ snapshot: "Snapshot", mark: "Mark", session: "Session", device: "Scanner" });
});
