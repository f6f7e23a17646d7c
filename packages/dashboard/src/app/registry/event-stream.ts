import { signal } from "@preact/signals";
import type { CanaryProgress, RecordedEventBody, ReleaseState } from "@sluice/contracts";
import { createParser } from "eventsource-parser";
import { sendAsMe } from "./session.ts";

export type StreamMessage =
  | { readonly _tag: "Opened" }
  | { readonly _tag: "State"; readonly state: ReleaseState }
  | { readonly _tag: "Event"; readonly recorded: RecordedEventBody }
  | { readonly _tag: "Progress"; readonly progress: CanaryProgress };

/** `staleSince`: when the stream was last known to be whole; null while it is. */
export interface Connection {
  readonly staleSince: number | null;
  readonly problem: string | null;
}
export const connection = signal<Connection>({ staleSince: null, problem: null });

/** The registry's heartbeat comes every 15 s: a stream that is silent for longer than two of them is dead. */
const SILENCE_MS = 35_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/**
 * Follows the registry's stream until the signal aborts. EventSource cannot send a token, so the stream is read by fetch; a
 * broken one is taken up after the last position that was seen, so nothing is missed and nothing comes twice.
 */
export const followStream = async (receive: (message: StreamMessage) => void, stop: AbortSignal): Promise<void> => {
  let position: string | undefined;
  let lastHeardAt = Date.now();
  let retryMs = FIRST_RETRY_MS;
  while (!stop.aborted) {
    const attempt = new AbortController();
    const silence = setInterval(() => Date.now() - lastHeardAt > SILENCE_MS && attempt.abort(), 1_000);
    const end = () => attempt.abort();
    stop.addEventListener("abort", end);
    let problem = "the stream ended";
    try {
      lastHeardAt = Date.now();
      const headers = position === undefined ? {} : { "last-event-id": position };
      const response = await sendAsMe("streamEvents", { headers, signal: attempt.signal });
      const parser = createParser({
        onEvent: ({ id, event, data }) => {
          if (id !== undefined) position = id;
          const message = messageOf(event, data);
          if (message) receive(message);
        },
      });
      connection.value = { staleSince: null, problem: null };
      // Without an event so far there is no position to go on from: whoever follows something reads it again.
      receive({ _tag: "Opened" });
      retryMs = FIRST_RETRY_MS;
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        lastHeardAt = Date.now();
        parser.feed(chunk.value);
      }
    } catch (failure) {
      problem = failure instanceof Error && !attempt.signal.aborted ? failure.message : "the stream fell silent";
    } finally {
      clearInterval(silence);
      stop.removeEventListener("abort", end);
    }
    if (stop.aborted) return;
    connection.value = { staleSince: connection.value.staleSince ?? lastHeardAt, problem };
    await wait(retryMs, stop);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }
};

const messageOf = (event: string | undefined, data: string): StreamMessage | null => {
  if (event === "state") return { _tag: "State", state: JSON.parse(data) };
  if (event === "release-event") return { _tag: "Event", recorded: JSON.parse(data) };
  if (event === "progress") return { _tag: "Progress", progress: JSON.parse(data) };
  return null;
};

const wait = (ms: number, stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
    // Back on the network: no need to sit out the pause.
    window.addEventListener("online", () => resolve(), { once: true });
  });
