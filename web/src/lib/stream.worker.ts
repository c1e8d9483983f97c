import { followStream, type StreamState } from "./stream";

// One connection per stream for all tabs: HTTP/1.1 allows a browser six to a host, and a teacher opens tabs.

export type FromWorker =
  | { type: "event"; name: string; data: string }
  | { type: "state"; state: StreamState }
  /** Others were here before: what has been sent so far has to be fetched. */
  | { type: "joined" };
export type ToWorker = { type: "follow"; url: string } | { type: "leave" };

interface Shared {
  ports: Set<MessagePort>;
  state: StreamState | null;
  stop: () => void;
}

const streams = new Map<string, Shared>();

(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0]!;
  let url: string | null = null;
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === "follow") {
      url = data.url;
      join(url, port);
    } else if (url !== null) {
      leave(url, port);
      url = null;
    }
  };
};

function join(url: string, port: MessagePort): void {
  const shared = streams.get(url);
  if (shared && shared.state !== "refused") {
    shared.ports.add(port);
    tell(port, { type: "joined" });
    if (shared.state) tell(port, { type: "state", state: shared.state });
    return;
  }
  const ports = new Set([port]);
  const started: Shared = { ports, state: null, stop: () => {} };
  streams.set(url, started);
  started.stop = followStream(url, {
    event: (name, data) => ports.forEach((port) => tell(port, { type: "event", name, data })),
    state: (state) => {
      if (started.state === state) return;
      started.state = state;
      ports.forEach((port) => tell(port, { type: "state", state }));
    },
  });
}

function leave(url: string, port: MessagePort): void {
  const shared = streams.get(url);
  shared?.ports.delete(port);
  if (shared?.ports.size === 0) {
    shared.stop();
    streams.delete(url);
  }
}

function tell(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}
