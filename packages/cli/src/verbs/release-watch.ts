import {
  type CanaryProgress,
  epochMsOf,
  hasEnded,
  ProgressBody,
  ReleaseBody,
  type ReleasePhase,
} from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Stream from "effect/Stream";
import { eventLine } from "../event-line.ts";
import { type RegistryMessage, registryStream } from "../event-stream.ts";
import { Exit, exitCodes } from "../exit.ts";
import { json, release, url, whole } from "../flags.ts";
import { print, printJsonLine, printScreen } from "../output.ts";
import { type RegistryAddress, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";
import { progressLine, type Watched, watchView } from "./release-watch-view.ts";

/** A week is longer than any release; more would overflow the clock's timer. */
const MAX_TIMEOUT_SECONDS = 7 * 86_400;

export const timeout = whole("timeout", "Give up after so many seconds (exit code 6)", 1, MAX_TIMEOUT_SECONDS).pipe(
  Flag.optional,
);

export const watchCommand = Command.make("watch", { release, timeout, url, json }, (flags) => {
  const address = registryAddress(Option.getOrUndefined(flags.url));
  return watchRelease(address, flags.release, { json: flags.json, until: hasEnded }).pipe(
    within(Option.getOrUndefined(flags.timeout), flags.release),
    Effect.flatMap((phase) => exitOf(address, flags.release, phase)),
  );
}).pipe(Command.withDescription("Follow a release to its end; the exit code says how it ended"));

interface WatchOptions {
  readonly json: boolean;
  readonly until: (phase: ReleasePhase) => boolean;
}

/**
 * Follows a release until its phase is one that `until` accepts. On a terminal it is a picture that is drawn again at every
 * change and every second; elsewhere a line for every event, those of the past first, and one now and then for how a canary
 * step stands. With `json` each line is a row of the record, or a `CanaryProgressed`.
 */
export const watchRelease = (
  address: RegistryAddress,
  releaseId: string,
  options: WatchOptions,
): Effect.Effect<ReleasePhase, Exit> =>
  Effect.gen(function* () {
    const path = `/v1/releases/${encodeURIComponent(releaseId)}`;
    const read = readRegistry(address, path, ReleaseBody);
    // Refuses an unknown id before a stream is opened that would never speak of it.
    const { release } = yield* read;
    const readProgress = Effect.map(
      readRegistry(address, `${path}/progress`, ProgressBody),
      ({ progress }) => progress,
    );
    const screen = options.json || process.stdout.isTTY !== true ? lineScreen(options.json) : pictureScreen();
    const looks = registryStream(address).pipe(
      Stream.filter((message) => concerns(message, release.application)),
      // The stream says that something happened; what and in which order is read from the record itself.
      Stream.mapEffect((message) =>
        Effect.gen(function* () {
          const body = yield* read;
          const progress = message._tag === "Progress" ? message.progress : yield* readProgress;
          // What was told of a step before it ended must not hide that it has.
          const isPresent = body.release.phase === "canary" && body.active?.step === progress?.step;
          return { body, progress: isPresent && progress?.releaseId === releaseId ? progress : null };
        }),
      ),
      Stream.tap((watched) => screen.show(watched)),
      Stream.map(({ body }) => body.release.phase),
      Stream.filter(options.until),
      Stream.runHead,
    );
    const phase = yield* Effect.raceFirst(looks, screen.redraw);
    return yield* Option.match(phase, {
      onNone: () => Effect.fail(new Exit({ code: exitCodes.internal, sentence: "the registry ended the stream" })),
      onSome: Effect.succeed,
    });
  });

/** A freeze of the application is no event of the release, and holds it up all the same. */
const concerns = (message: RegistryMessage, application: string): boolean => {
  switch (message._tag) {
    case "State":
      return message.state.application === application;
    case "Event":
      return message.recorded.event.application === application;
    case "Progress":
      return message.progress.application === application;
  }
};

interface Screen {
  readonly show: (watched: Watched) => Effect.Effect<void>;
  /** Goes on for ever. */
  readonly redraw: Effect.Effect<never>;
}

/** In a log a standing step is worth a line now and then. */
const PROGRESS_LINE_MS = 30_000;

const lineScreen = (asJson: boolean): Screen => {
  let position = 0;
  let told = { at: "", line: "" };
  const progressOf = Effect.fnUntraced(function* (progress: CanaryProgress) {
    if (progress.at === told.at) return;
    if (asJson) {
      told = { at: progress.at, line: "" };
      return yield* printJsonLine(progress);
    }
    const isDue = told.at === "" || epochMsOf(progress.at) - epochMsOf(told.at) >= PROGRESS_LINE_MS;
    const line = progressLine(progress, epochMsOf(progress.at));
    if (!isDue || line === told.line) return;
    told = { at: progress.at, line };
    yield* print(`${progress.at}  ${line}`);
  });
  return {
    show: Effect.fnUntraced(function* ({ body, progress }) {
      for (const row of body.events.filter((one) => one.position > position)) {
        position = row.position;
        const note = row.accepted ? "" : `refused (${row.refusal?.code}): `;
        yield* asJson ? printJsonLine(row) : print(`${row.event.at}  ${note}${eventLine(row.event)}`);
      }
      if (progress) yield* progressOf(progress);
    }),
    redraw: Effect.never,
  };
};

/** Each picture takes the place of the one before; the last one stays. */
const pictureScreen = (): Screen => {
  let watched: Watched | null = null;
  let height = 0;
  const draw = Effect.gen(function* () {
    if (!watched) return;
    const nowMs = yield* Clock.currentTimeMillis;
    const lines = watchView(watched, nowMs, {
      columns: process.stdout.columns ?? DEFAULT_COLUMNS,
      rows: process.stdout.rows ?? DEFAULT_ROWS,
    });
    const up = height > 0 ? `\u001b[${height}A` : "";
    height = lines.length;
    yield* printScreen(`${up}\r\u001b[J${lines.join("\n")}`);
  });
  return {
    show: (latest) =>
      Effect.suspend(() => {
        watched = latest;
        return draw;
      }),
    redraw: Effect.forever(Effect.andThen(Effect.sleep("1 second"), draw)),
  };
};

const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 40;

export const within =
  (seconds: number | undefined, releaseId: string) =>
  <A, R>(effect: Effect.Effect<A, Exit, R>): Effect.Effect<A, Exit, R> =>
    seconds === undefined
      ? effect
      : Effect.timeoutOrElse(effect, {
          duration: `${seconds} seconds`,
          orElse: () =>
            Effect.fail(
              new Exit({ code: exitCodes.timedOut, sentence: `${releaseId} did not end within ${seconds} s` }),
            ),
        });

/** The exit code of an ended release (design §5); which no the gate said is in its report. */
export const exitOf = (address: RegistryAddress, releaseId: string, phase: ReleasePhase): Effect.Effect<void, Exit> =>
  Effect.gen(function* () {
    if (phase === "completed") return;
    const { events } = yield* readRegistry(address, `/v1/releases/${encodeURIComponent(releaseId)}`, ReleaseBody);
    const answer = events.findLast(({ event, accepted }) => accepted && "report" in event)?.event;
    const verdict = phase === "blocked" && answer && "report" in answer ? answer.report.verdict : phase;
    const code =
      verdict === "inconclusive"
        ? exitCodes.inconclusive
        : verdict === "invalid"
          ? exitCodes.invalid
          : exitCodes.blocked;
    return yield* new Exit({ code, sentence: `${releaseId} ended: ${verdict}` });
  });
