import { EventParser } from "./sse";

/** `live`: bytes are arriving. `reconnecting`: they aren't, and we try again. `refused`: there is no use in trying. */
export type StreamState = "live" | "reconnecting" | "refused";

export interface StreamSink {
  event(name: string, data: string): void;
  state(state: StreamState): void;
}

// The server's heartbeat comes every 15 s; a connection that has been silent for longer is dead without saying so.
const silenceMs = 20_000;
const retryMs = [300, 1000, 2000, 3000];

/**
 * Follows one event stream until told to stop. Not EventSource: that one hides heartbeats and status codes, so it can
 * neither notice a dead connection nor tell "log in again" from "try again".
 */
export function followStream(url: string, sink: StreamSink): () => void {
  const stopped = new AbortController();
  void follow(url, sink, stopped.signal);
  return () => stopped.abort();
}

async function follow(url: string, sink: StreamSink, stopped: AbortSignal): Promise<void> {
  let lastId: string | null = null;
  let failures = 0;
  while (!stopped.aborted) {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    stopped.addEventListener("abort", abort);
    let watchdog = setTimeout(abort, silenceMs);
    try {
      const response: Response = await fetch(url, {
        headers: { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) },
        cache: "no-store",
        signal: attempt.signal,
      });
      if (response.status === 204 || (response.status >= 400 && response.status < 500 && response.status !== 429)) {
        sink.state("refused");
        return;
      }
      if (!response.ok || !response.body) throw new Error(`stream answered ${response.status}`);

      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        clearTimeout(watchdog);
        watchdog = setTimeout(abort, silenceMs);
        failures = 0;
        sink.state("live");
        for (const event of parser.push(chunk.value)) {
          lastId = event.id ?? lastId;
          sink.event(event.name, event.data);
        }
      }
    } catch {
      // Whatever broke it, the answer is the same: try again.
    } finally {
      clearTimeout(watchdog);
      stopped.removeEventListener("abort", abort);
    }
    if (stopped.aborted) return;
    sink.state("reconnecting");
    await pause(retryMs[Math.min(failures++, retryMs.length - 1)]!, stopped);
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
