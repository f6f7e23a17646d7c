import { ApplicationsBody, ReleaseBody, ReleasesBody } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Schema from "effect/Schema";
import { eventLine } from "../event-line.ts";
import type { Exit } from "../exit.ts";
import { json, ofApplication, release, url, whole } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { askRegistry, type RegistryAddress, registryAddress } from "../registry-client.ts";

export const readRegistry = <A>(
  address: RegistryAddress,
  path: string,
  schema: Schema.Codec<A, unknown>,
): Effect.Effect<A, Exit> => Effect.map(askRegistry(address, { method: "GET", path }, schema), ({ value }) => value);

export const listCommand = Command.make(
  "list",
  {
    application: ofApplication("Only this application's"),
    limit: whole("limit", "At most so many", 1, 1_000).pipe(Flag.withDefault(20)),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (Option.isSome(flags.application)) query.set("application", flags.application.value);
      const address = registryAddress(Option.getOrUndefined(flags.url));
      const answer = yield* readRegistry(address, `/v1/releases?${query}`, ReleasesBody);
      if (flags.json) return yield* printJson(answer);
      if (answer.releases.length === 0) return yield* print("no releases yet");
      for (const release of answer.releases)
        yield* print(
          `${release.since}  ${release.application.padEnd(24)} ${release.releaseId.padEnd(24)} ${release.phase}`,
        );
    }),
).pipe(Command.withDescription("Releases, those that changed last first"));

export const statusCommand = Command.make(
  "status",
  {
    release: Argument.optional(release),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const address = registryAddress(Option.getOrUndefined(flags.url));
      yield* Option.match(flags.release, {
        onNone: () => printApplications(address, flags.json),
        onSome: (release) => printRelease(address, release, flags.json),
      });
    }),
).pipe(Command.withDescription("Where a release stands, with all that happened; without an id, every application"));

const printApplications = Effect.fnUntraced(function* (address: RegistryAddress, asJson: boolean) {
  const answer = yield* readRegistry(address, "/v1/applications", ApplicationsBody);
  if (asJson) return yield* printJson(answer);
  if (answer.applications.length === 0) return yield* print("no applications yet");
  for (const { application, active, queued, last, freezes, pages } of answer.applications) {
    const waiting = queued.length > 0 ? `, ${queued.length} queued` : "";
    const now = active
      ? `${active.releaseId} ${active.phase}, share ${active.share * 100} %, waits for ${active.waitsFor ?? "nothing"}`
      : `no active release${last ? `; last ${last.releaseId} ${last.phase}` : ""}`;
    yield* print(`${application.padEnd(24)} ${now}${waiting}`);
    for (const { stop, until, author, reason } of freezes ?? [])
      yield* print(
        printable(
          `${" ".repeat(25)}${stop ? "EMERGENCY STOP" : "frozen"}${until ? ` until ${until}` : ""}${author ? ` by ${author.id}` : ""}: ${reason}`,
        ),
      );
    for (const { dedupKey, undelivered } of pages ?? [])
      if (undelivered) yield* print(printable(`${" ".repeat(25)}NOT DELIVERED: ${dedupKey} (${undelivered})`));
  }
});

const printRelease = Effect.fnUntraced(function* (address: RegistryAddress, releaseId: string, asJson: boolean) {
  const answer = yield* readRegistry(address, `/v1/releases/${encodeURIComponent(releaseId)}`, ReleaseBody);
  if (asJson) return yield* printJson(answer);
  const { release, active, events } = answer;
  yield* print(`${release.releaseId} of ${release.application}: ${release.phase} since ${release.since}`);
  if (active?.waitsFor) yield* print(`waits for ${active.waitsFor}`);
  for (const { event, accepted, refusal } of events)
    yield* print(`  ${event.at}  ${accepted ? "" : `refused (${refusal?.code}): `}${eventLine(event)}`);
});
