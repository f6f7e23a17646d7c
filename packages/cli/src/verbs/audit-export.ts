import { lstat, open, rename, rm } from "node:fs/promises";
import { AuditRowsBody, RecordExportHead, ReleasePassport } from "@sluice/contracts";
import { amount } from "@sluice/release/words";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { type Exit, internalError, usageError } from "../exit.ts";
import { json, ofApplication, release, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { type RegistryAddress, registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

export const exportCommand = Command.make(
  "export",
  {
    release: Argument.optional(release),
    application: ofApplication("Where two applications have a release of this id"),
    all: Flag.Boolean("all").pipe(
      Flag.withDescription("The whole record, one row a line, instead of one release's passport"),
      Flag.withDefault(false),
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("File to write (default: RELEASE.passport.json, or record.jsonl)"),
      Flag.optional,
    ),
    url,
    json,
  },
  ({ release, application, all, out, url: at, json: asJson }) =>
    Effect.gen(function* () {
      const address = registryAddress(Option.getOrUndefined(at));
      if (all === Option.isSome(release)) return yield* usageError("give a RELEASE, or --all for the whole record");
      const file = Option.getOrElse(
        out,
        () => `${Option.getOrElse(release, () => "record")}${all ? ".jsonl" : ".passport.json"}`,
      );
      const rows = all
        ? yield* exportRecord(address, file)
        : yield* exportPassport(
            address,
            file,
            Option.getOrElse(release, () => ""),
            Option.getOrUndefined(application),
          );
      yield* asJson ? printJson({ file, rows }) : print(`${file}: ${amount(rows, "row")}`);
    }),
).pipe(Command.withDescription("Write a release's passport, or the whole record, to a file that proves itself"));

const exportPassport = Effect.fnUntraced(function* (
  address: RegistryAddress,
  file: string,
  release: string,
  application: string | undefined,
) {
  const query = application === undefined ? "" : `?application=${encodeURIComponent(application)}`;
  const path = `/v1/audit/releases/${encodeURIComponent(release)}/passport${query}`;
  const passport = yield* readRegistry(address, path, ReleasePassport);
  yield* written(file, (write) => Effect.asVoid(write(`${JSON.stringify(passport, null, 2)}\n`)));
  return passport.rows.length;
});

const exportRecord = (address: RegistryAddress, file: string) =>
  written(file, (write) =>
    Effect.gen(function* () {
      const head = yield* readRegistry(address, "/v1/audit/head", RecordExportHead);
      yield* write(`${JSON.stringify(head)}\n`);
      let count = 0;
      for (let after = 0; after < head.head.position; ) {
        const { rows, next } = yield* readRegistry(address, `/v1/audit/rows?after=${after}`, AuditRowsBody);
        const wanted = rows.filter(({ position }) => position <= head.head.position);
        yield* write(wanted.map((row) => `${JSON.stringify(row)}\n`).join(""));
        count += wanted.length;
        if (next === null) break;
        after = next;
      }
      return count;
    }),
  );

const faultsOfThePath = new Set(["EACCES", "EISDIR", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "EPERM", "EROFS"]);

/** A file is there only once it is whole: half an export looks like one with missing rows. */
export const written = <A>(
  file: string,
  use: (write: (text: string) => Effect.Effect<void, Exit>) => Effect.Effect<A, Exit>,
): Effect.Effect<A, Exit> => {
  const part = `${file}.part`;
  const isThere = Effect.promise(() => lstat(file).catch(() => null));
  const attempt = <B>(run: () => Promise<B>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) => {
        const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
        const sentence = `${file} cannot be written (${code})`;
        return faultsOfThePath.has(code)
          ? usageError(`${sentence}; name a file in a directory that exists`)
          : internalError(sentence);
      },
    });
  const exported = Effect.acquireUseRelease(
    attempt(() => open(part, "w")),
    (handle) => use((text) => Effect.asVoid(attempt(() => handle.appendFile(text)))),
    (handle) => Effect.promise(() => handle.close()),
  ).pipe(
    Effect.tap(() => attempt(() => rename(part, file))),
    // What cannot be written cannot be removed either: the first fault is the one to tell.
    Effect.tapCause(() => Effect.promise(() => rm(part, { force: true }).catch(() => undefined))),
  );
  // What stands there may be the only copy of what was signed then.
  return Effect.flatMap(isThere, (found) =>
    found ? Effect.fail(usageError(`${file} is there already; name another file with --out, or remove it`)) : exported,
  );
};
