import { setTimeout as delay } from "node:timers/promises";
import { RecordedEventBody, ReleaseState } from "@sluice/contracts";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { authorization } from "./registry-reader.ts";
import type { ClientSettings } from "./settings.ts";

export interface StreamListener {
  readonly onState: (state: ReleaseState) => void;
  /** An event of the application was taken into its log: its state has changed. */
  readonly onChange: () => void;
  /** Anything was heard, be it a heartbeat. */
  readonly onHeard: () => void;
  readonly onTrouble: (sentence: string) => void;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

const decodeState = Schema.decodeUnknownResult(Schema.fromJsonString(ReleaseState));
const decodeRecorded = Schema.decodeUnknownResult(Schema.fromJsonString(RecordedEventBody));

/** Follows the registry's events until `closed`, and takes a broken or silent stream up where it broke. Never rejects. */
export const followRegistry = async (
  settings: ClientSettings,
  listener: StreamListener,
  closed: AbortSignal,
): Promise<void> => {
  let lastEventId: string | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  while (!closed.aborted) {
    try {
      await readOnce(settings, lastEventId, closed, listener, (id) => {
        lastEventId = id;
        pauseMs = FIRST_PAUSE_MS;
      });
      listener.onTrouble("the registry ended the stream");
    } catch (error) {
      if (!closed.aborted) listener.onTrouble(`the registry cannot be followed: ${String(error)}`);
    }
    // All clients of a registry that comes back must not come at once.
    await delay(pauseMs * (0.5 + Math.random()), undefined, { signal: closed }).catch(() => {});
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
};

const readOnce = async (
  settings: ClientSettings,
  lastEventId: string | undefined,
  closed: AbortSignal,
  listener: StreamListener,
  onId: (id: string | undefined) => void,
): Promise<void> => {
  const { registryUrl, application, silenceMs } = settings;
  const silent = new AbortController();
  const watch = setTimeout(() => silent.abort(new Error(`nothing was heard for ${silenceMs} ms`)), silenceMs);
  const heard = () => {
    watch.refresh();
    listener.onHeard();
  };
  try {
    const response = await fetch(`${registryUrl}/v1/events/stream?application=${application}`, {
      headers: { ...authorization(settings), ...(lastEventId !== undefined && { "last-event-id": lastEventId }) },
      signal: AbortSignal.any([closed, silent.signal]),
    });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Error(`${registryUrl} answered ${response.status}`);
    }
    const events = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ onComment: heard }));
    for await (const { id, event, data } of events) {
      heard();
      onId(id ?? lastEventId);
      tell(event, data, listener);
    }
  } finally {
    clearTimeout(watch);
  }
};

const tell = (event: string | undefined, data: string, { onState, onChange, onTrouble }: StreamListener): void => {
  if (event === "state") {
    const state = decodeState(data);
    if (Result.isSuccess(state)) onState(state.success);
    else onTrouble("the registry sent a state that this version does not understand");
  } else if (event === "release-event") {
    const recorded = decodeRecorded(data);
    // An event of a kind that this version does not know may have changed the state all the same.
    if (Result.isFailure(recorded)) onChange();
    else if (recorded.success.accepted) onChange();
  }
};
