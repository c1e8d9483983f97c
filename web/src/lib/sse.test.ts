import { describe, expect, it } from "vitest";
import { EventParser, type ServerEvent } from "./sse";

const stream = ': hello\n\nid: 7\nevent: mark\ndata: {"a":1}\n\nid: 8\r\ndata: one\r\ndata: two\r\n\r\n: beat\n\n';
const events: ServerEvent[] = [
  { name: "mark", data: '{"a":1}', id: "7" },
  { name: "message", data: "one\ntwo", id: "8" },
];

describe("EventParser", () => {
  it("reads events, and no events in comments", () => {
    expect(new EventParser().push(stream)).toEqual(events);
  });

  it("doesn't mind where the stream is cut", () => {
    for (let size = 1; size < stream.length; size++) {
      const parser = new EventParser();
      const read: ServerEvent[] = [];
      for (let at = 0; at < stream.length; at += size) read.push(...parser.push(stream.slice(at, at + size)));
      expect(read, `in pieces of ${size}`).toEqual(events);
    }
  });
});
