import { followStream, type StreamSink } from "./stream";
import { trustedUrl } from "./trusted-url";
import type { FromWorker, ToWorker } from "./stream.worker";
import workerUrl from "./stream.worker?sharedworker&url";

export interface SharedStreamSink extends StreamSink {
  /** The stream was running before we came: fetch what it has said so far. */
  joined(): void;
}

/** Follows a stream through the worker that all tabs share, or directly where there are no such workers. */
export function followShared(url: string, sink: SharedStreamSink): () => void {
  if (typeof SharedWorker === "undefined") return followStream(url, sink);

  let stopDirect: (() => void) | null = null;
  const worker = new SharedWorker(trustedUrl(workerUrl), { type: "module", name: "arise-streams" });
  const send = (message: ToWorker) => worker.port.postMessage(message);
  worker.port.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === "event") sink.event(data.name, data.data);
    else if (data.type === "state") sink.state(data.state);
    else sink.joined();
  };
  worker.onerror = () => {
    stopDirect ??= followStream(url, sink);
  };
  send({ type: "follow", url });

  // A tab that goes to the back/forward cache must not hold the connection; it takes it up again when shown.
  const onhide = () => send({ type: "leave" });
  const onshow = (event: PageTransitionEvent) => {
    if (event.persisted) send({ type: "follow", url });
  };
  window.addEventListener("pagehide", onhide);
  window.addEventListener("pageshow", onshow);

  return () => {
    window.removeEventListener("pagehide", onhide);
    window.removeEventListener("pageshow", onshow);
    send({ type: "leave" });
    worker.port.close();
    stopDirect?.();
  };
}
