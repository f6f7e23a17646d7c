import { batch, signal } from "@preact/signals";
import type { CanaryProgress, RecordedEventBody, ReleaseState } from "@sluice/contracts";
import { connection, followStream, type StreamMessage } from "./event-stream.ts";
import { askAsMe } from "./session.ts";

/** Where every application stands, by name; null until it is known. */
export const applications = signal<ReadonlyMap<string, ReleaseState> | null>(null);

type Listener = {
  /** The stream was opened, for the first time or again: what came between is only in the states that it begins with. */
  readonly onOpened?: () => void;
  readonly onEvent?: (recorded: RecordedEventBody) => void;
  readonly onProgress?: (progress: CanaryProgress) => void;
};
const listeners = new Set<Listener>();

/** Tells of each event and each look at a canary step, until the returned function is called. */
export const listen = (listener: Listener): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Above this many changed applications one answer about all is cheaper than one about each. */
const MANY = 8;

/** Follows the registry until the signal aborts. Messages of one frame of the screen are worked off together. */
export const startLive = (stop: AbortSignal): void => {
  let waiting: Array<StreamMessage> = [];
  const changed = new Set<string>();
  let isAsking = false;

  const refresh = async () => {
    if (isAsking || changed.size === 0) return;
    isAsking = true;
    const names = [...changed];
    changed.clear();
    try {
      const states =
        names.length > MANY
          ? (await askAsMe("listApplications")).applications
          : await Promise.all(names.map((application) => askAsMe("getApplication", { path: { application } })));
      merge(states);
    } catch {
      // The stream tells that the registry is away; when it is back it starts with all states.
      for (const name of names) changed.add(name);
    }
    isAsking = false;
    // At most a few questions a second, however fast events come.
    setTimeout(() => void refresh(), 250);
  };

  const workOff = () => {
    const messages = waiting;
    waiting = [];
    const states: Array<ReleaseState> = [];
    batch(() => {
      for (const message of messages) {
        if (message._tag === "Opened") for (const { onOpened } of listeners) onOpened?.();
        else if (message._tag === "State") states.push(message.state);
        else if (message._tag === "Progress") for (const { onProgress } of listeners) onProgress?.(message.progress);
        else {
          changed.add(message.recorded.event.application);
          for (const { onEvent } of listeners) onEvent?.(message.recorded);
        }
      }
      merge(states);
    });
    void refresh();
  };

  void followStream((message) => {
    if (waiting.length === 0) scheduleWork(workOff);
    waiting.push(message);
  }, stop);
  askAsMe("listApplications").then(
    ({ applications: all }) => merge(all),
    (failure: unknown) => {
      const problem = failure instanceof Error ? failure.message : String(failure);
      connection.value = { staleSince: connection.value.staleSince ?? Date.now(), problem };
    },
  );
};

/** With the next frame; a tab in the background has no frames, and goes on by the clock. */
const scheduleWork = (work: () => void): void => {
  if (document.hidden) setTimeout(work, 100);
  else requestAnimationFrame(work);
};

const merge = (states: ReadonlyArray<ReleaseState>): void => {
  const known = new Map(applications.value ?? []);
  for (const state of states) {
    // Answers may overtake each other: an older state never replaces a newer one.
    const before = known.get(state.application);
    if (!before || before.version <= state.version) known.set(state.application, state);
  }
  if (states.length > 0 || applications.value === null) applications.value = known;
};
