import { hasEnded, ReleaseBody, type ReleasePhase } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Stream from "effect/Stream";
import { eventLine } from "../event-line.ts";
import { registryStream } from "../event-stream.ts";
import { Exit, exitCodes } from "../exit.ts";
import { json, url } from "../flags.ts";
import { print } from "../output.ts";
import { type RegistryAddress, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

export const timeout = Flag.Int("timeout").pipe(
  Flag.withDescription("Give up after so many seconds (exit code 6)"),
  Flag.optional,
);

export const watchCommand = Command.make(
  "watch",
  { release: Argument.String("release").pipe(Argument.withDescription("Id of the release")), timeout, url, json },
  (flags) => {
    const address = registryAddress(Option.getOrUndefined(flags.url));
    return watchRelease(address, flags.release, { json: flags.json, until: hasEnded }).pipe(
      within(Option.getOrUndefined(flags.timeout), flags.release),
      Effect.flatMap((phase) => exitOf(address, flags.release, phase)),
    );
  },
).pipe(Command.withDescription("Follow a release to its end; the exit code says how it ended"));

/** Prints every event of the release, those of the past first, until its phase is one that `until` accepts. */
export const watchRelease = (
  address: RegistryAddress,
  releaseId: string,
  options: { readonly json: boolean; readonly until: (phase: ReleasePhase) => boolean },
): Effect.Effect<ReleasePhase, Exit> =>
  Effect.gen(function* () {
    const read = readRegistry(address, `/v1/releases/${encodeURIComponent(releaseId)}`, ReleaseBody);
    // Refuses an unknown id before a stream is opened that would never speak of it.
    yield* read;
    let position = 0;
    const phase = yield* registryStream(address).pipe(
      Stream.filter(
        (message) =>
          message._tag === "State" ||
          ("releaseId" in message.recorded.event && message.recorded.event.releaseId === releaseId),
      ),
      // The stream says that something happened; what and in which order is read from the record itself.
      Stream.mapEffect(() => read),
      Stream.tap(({ events }) =>
        Effect.forEach(
          events.filter((row) => row.position > position),
          (row) => {
            position = row.position;
            const note = row.accepted ? "" : `refused (${row.refusal?.code}): `;
            return print(options.json ? JSON.stringify(row) : `${row.event.at}  ${note}${eventLine(row.event)}`);
          },
          { discard: true },
        ),
      ),
      Stream.map(({ release }) => release.phase),
      Stream.filter(options.until),
      Stream.runHead,
    );
    return yield* Option.match(phase, {
      onNone: () => Effect.fail(new Exit({ code: exitCodes.internal, sentence: "the registry ended the stream" })),
      onSome: Effect.succeed,
    });
  });

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
