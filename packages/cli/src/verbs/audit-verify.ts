import { createReadStream, existsSync } from "node:fs";
import { AuditRow, RecordExportHead, VerificationBody } from "@sluice/contracts";
import { RecordVerifier, signedRecord } from "@sluice/event-store";
import { verifyPassport } from "@sluice/passport";
import { amount } from "@sluice/release/words";
import { readVerifierKey, type VerifierKey } from "@sluice/transparency";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Exit, exitCodes, usageError } from "../exit.ts";
import { MAX_SETTINGS_BYTES, readBytes, readUtf8, refuseNamedPipe } from "../file-content.ts";
import { json, url } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { registryAddress } from "../registry-client.ts";
import { readRegistry } from "./release-read.ts";

const file = Argument.String("file").pipe(
  Argument.withDescription("A passport, or an export of the whole record; without it the registry checks its own"),
  Argument.optional,
);
const key = Flag.String("key").pipe(
  Flag.withDescription("The public key that you trust (or a file with it): what GET /v1/audit/key told you once"),
  Flag.optional,
);

export const verifyCommand = Command.make("verify", { file, key, url, json }, (flags) =>
  Option.match(flags.file, {
    onNone: () => verifyOnline(Option.getOrUndefined(flags.url), flags.json),
    onSome: (path) => verifyOffline(path, Option.getOrUndefined(flags.key), flags.json),
  }),
).pipe(
  Command.withDescription("Check every row, chain, proof and signature: of the registry's record, or of a file"),
  Command.withExamples([
    { command: "sluice audit verify rel-7.passport.json --key record.pub", description: "No server is asked" },
  ]),
);

interface Found {
  readonly answer: unknown;
  readonly holds: string;
  readonly faults: ReadonlyArray<string>;
}

const tell = Effect.fnUntraced(function* ({ answer, holds, faults }: Found, asJson: boolean) {
  const [first] = faults;
  if (asJson) yield* printJson(answer);
  else if (first === undefined) yield* print(holds);
  else for (const fault of faults) yield* print(printable(fault));
  if (first !== undefined)
    return yield* new Exit({
      code: exitCodes.invalid,
      sentence: `this is not what was written: ${printable(first)}`,
    });
});

const verifyOnline = Effect.fnUntraced(function* (address: string | undefined, asJson: boolean) {
  const found = yield* readRegistry(registryAddress(address), "/v1/audit/verify", VerificationBody);
  const holds = `${amount(found.rows, "row")}, unbroken chains, root ${found.root}, ${found.signed} of them signed`;
  yield* tell({ answer: found, holds, faults: found.faults.map(inWords) }, asJson);
});

const inWords = ({ position, kind, sentence }: (typeof VerificationBody.Type)["faults"][number]) =>
  `row ${position} ${kind}: ${sentence}`;

const verifyOffline = Effect.fnUntraced(function* (path: string, given: string | undefined, asJson: boolean) {
  const trusted = yield* trustedKey(given);
  const [first, lines] = yield* linesOf(path);
  const head = Schema.decodeUnknownResult(Schema.fromJsonString(RecordExportHead))(first);
  const found = Result.isSuccess(head)
    ? yield* recordFile(path, head.success, lines, trusted)
    : yield* passportFile(path, trusted);
  yield* tell(found, asJson);
});

/** The key itself, or a file that holds it. */
const trustedKey = Effect.fnUntraced(function* (given: string | undefined): Effect.fn.Return<VerifierKey, Exit> {
  if (given === undefined)
    return yield* usageError(
      "--key is missing: give the public key that you trust; the one within a file proves nothing",
    );
  const isFile = existsSync(given);
  const text = isFile ? yield* readUtf8(given, { maxBytes: MAX_SETTINGS_BYTES, named: `--key ${given}` }) : given;
  const read = readVerifierKey(text);
  if (Result.isSuccess(read)) return read.success;
  const where = isFile ? `the file ${given}` : `${given} is no file, and`;
  return yield* usageError(`--key: ${printable(where)} ${read.failure}`);
});

const MAX_PASSPORT_BYTES = 256 * 1_024 * 1_024;

const unreadable = (path: string) => (cause: unknown) =>
  usageError(
    `${path}: cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"}); check the path`,
  );

/** Twice what an event may have, as a row has it within a string. A record's line is no longer. */
const MAX_LINE_CHARACTERS = 16 * 1_024 * 1_024;

/** The first line, empty where it is longer than a record's, and those after it. */
const linesOf = Effect.fnUntraced(function* (path: string) {
  yield* refuseNamedPipe(path);
  return yield* Effect.tryPromise({
    try: async () => {
      const lines = linesIn(createReadStream(path, "utf8"));
      const first = await lines.next().catch((cause: unknown) => {
        if (cause instanceof RangeError) return { value: "" };
        throw cause;
      });
      return [typeof first.value === "string" ? first.value : "", lines] as const;
    },
    catch: unreadable(path),
  });
});

/** A record may be larger than memory, a line of it may not: Node's own reader would wait for its end for ever. */
async function* linesIn(chunks: AsyncIterable<string>): AsyncGenerator<string, void> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = chunk.split("\n");
    lines[0] = `${rest}${lines[0]}`;
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) throw new RangeError("has a line that is longer than any row");
    for (const line of lines) yield line.replace(/\r$/u, "");
  }
  if (rest !== "") yield rest;
}

const passportFile = Effect.fnUntraced(function* (path: string, trusted: VerifierKey) {
  const text = yield* readBytes(path, { maxBytes: MAX_PASSPORT_BYTES });
  const value = Result.try((): unknown => JSON.parse(text.toString("utf8")));
  const found = Result.flatMap(
    Result.mapError(value, () => "it is not JSON"),
    (parsed) => verifyPassport(parsed, trusted),
  );
  if (Result.isFailure(found))
    return yield* usageError(`${path}: is neither a passport nor an export of the record: ${found.failure}`);
  const { application, releaseId, rows, attestations, signed, faults } = found.success;
  const holds = `${releaseId} of ${application} holds: ${amount(rows, "row")} and ${amount(attestations, "attestation")}, signed over ${amount(signed, "row")} by ${trusted.name}+${trusted.keyId}`;
  return { answer: found.success, holds, faults: faults.map(({ sentence }) => sentence) } satisfies Found;
});

const decodeRow = Schema.decodeUnknownResult(Schema.fromJsonString(AuditRow));

const recordFile = Effect.fnUntraced(function* (
  path: string,
  { head, checkpoints }: RecordExportHead,
  lines: AsyncIterator<string>,
  trusted: VerifierKey,
) {
  const { signed, faults } = signedRecord(trusted, checkpoints, null);
  const verifier = new RecordVerifier(signed);
  yield* Effect.tryPromise({
    try: async () => {
      for (let n = 2; ; n++) {
        const { value, done } = await lines.next();
        if (done) return;
        if (value === "") continue;
        const row = decodeRow(value);
        if (Result.isFailure(row))
          throw new Error(`line ${n} is no row: ${row.failure.message.replaceAll(/\s+/gu, " ")}`);
        verifier.push(row.success);
      }
    },
    catch: (cause) => usageError(`${path}: ${cause instanceof Error ? cause.message : "cannot be read"}`),
  });
  const found = verifier.end(head);
  const all = [...found.faults, ...faults];
  const holds = `${amount(found.rows, "row")}, unbroken chains, root ${found.root}, ${found.signed} of them signed by ${trusted.name}+${trusted.keyId}`;
  return { answer: { ...found, faults: all }, holds, faults: all.map(inWords) } satisfies Found;
});
