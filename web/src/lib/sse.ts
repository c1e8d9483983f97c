export interface ServerEvent {
  name: string;
  data: string;
  id: string | null;
}

/** Cuts a server-sent event stream into events, however the bytes were sliced on their way. */
export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];
  private id: string | null = null;

  push(chunk: string): ServerEvent[] {
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop()!;
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) {
          events.push({ name: this.name || "message", data: this.data.join("\n"), id: this.id });
        }
        this.name = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.name = value;
      else if (field === "data") this.data.push(value);
      else if (field === "id") this.id = value;
    }
    return events;
  }
}
