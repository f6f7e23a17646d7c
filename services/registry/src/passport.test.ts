import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, it } from "@effect/vitest";
import * as ArtifactStore from "@sluice/artifact-store";
import { digestOfBytes, type ReleaseEvent, ReleasePassport, releasesTopic } from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { verifyPassport } from "@sluice/passport";
import { author, bundle, event, wayTo } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import { newSigningKey, readSigningKey, readVerifierKey, signCheckpoint, signEnvelope } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";

const ports = ReleaseLog.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      EventBus.layerMemory,
      ArtifactStore.layerMemory,
      EventStore.layerMemory,
      Telemetry.layerMemory,
      TokenStore.layerMemory,
    ),
  ),
);
const secret = newSigningKey("sluice/record");
const signing = Result.getOrThrow(readSigningKey(secret));
const key = Result.getOrThrow(readVerifierKey(signing.verifierKey));
const stranger = Result.getOrThrow(readSigningKey(newSigningKey("sluice/record")));

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-passport-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

/** The passport of rel-1, which was released while other releases and another application came and went. */
const passport = (directory: string) =>
  Effect.gen(function* () {
    const bus = yield* EventBus.EventBus;
    const settings = { signingKey: secret, checkpointDirectory: directory, checkpointSeconds: 1 };
    const tokens = [{ tokenDigest: digestOfBytes("secret"), id: "ada", role: "admin" as const }];
    const { address } = yield* registryService({ port: 0, tokens, ...settings });
    const get = (path: string) =>
      Effect.promise(async () => {
        const response = await fetch(`${address}${path}`, { headers: { authorization: "Bearer secret" } });
        assert.strictEqual(response.status, 200, path);
        return response.text();
      });
    const elsewhere = (n: number): ReleaseEvent =>
      event("ApplicationRegistered", { application: `other-${n}`, author: author("admin") });
    // An empty record is signed, too, and is what the later ones continue.
    assert.match(yield* get("/v1/audit/checkpoint"), /^sluice\/record\n0\n/);
    yield* bus.publish(releasesTopic, [event("ApplicationRegistered"), elsewhere(1), elsewhere(2)]);
    yield* get("/v1/audit/checkpoint");
    const way = wayTo("rel-1").completed;
    const among: ReadonlyArray<ReleaseEvent> = way.flatMap((one, n) => [
      one,
      elsewhere(10 + n),
      // Refused: the release is not paused.
      ...(n === 2 ? [event("ReleaseResumed", { releaseId: "rel-1" })] : []),
      ...(n === 3 ? [event("ReleaseRequested", { releaseId: "rel-2", candidate: bundle("newer") })] : []),
    ]);
    yield* bus.publish(releasesTopic, among);
    yield* bus.publish(releasesTopic, [elsewhere(99)]);
    const log = yield* ReleaseLog;
    while (log.applications().get("other-99") === undefined) yield* Effect.sleep("5 millis");
    while (!(yield* get("/v1/audit/rows?after=0")).includes("other-99")) yield* Effect.sleep("5 millis");
    assert.strictEqual(yield* get("/v1/audit/key"), `${signing.verifierKey}\n`);
    const verified: unknown = JSON.parse(yield* get("/v1/audit/verify"));
    assert.deepInclude(verified, { faults: [] });
    return yield* get("/v1/audit/releases/rel-1/passport");
  }).pipe(Effect.scoped, Effect.provide(ports));

type Open = { -readonly [Field in keyof ReleasePassport]: ReleasePassport[Field] };
type Row = { leaf: string; payload: string | null; inclusion: Array<string> | null };
const rowsOf = (open: Open) => open.rows as unknown as Array<Row>;
const rowAt = (open: Open, n: number): Row => rowsOf(open)[n] ?? assert.fail(`no row ${n}`);
const ownRows = (open: Open) => rowsOf(open).filter(({ leaf }) => JSON.parse(leaf).releaseId === "rel-1");
const ownRow = (open: Open, n: number): Row => ownRows(open).at(n) ?? assert.fail(`no own row ${n}`);
const rewritten = (leaf: string, fields: object) => JSON.stringify({ ...JSON.parse(leaf), ...fields });

/** What a forger might do who has the passport, and not the key. */
const forgeries: Readonly<Record<string, (open: Open) => unknown>> = {
  "a changed payload": (open) => {
    ownRow(open, 1).payload = (ownRow(open, 1).payload ?? "").replace('"passed"', '"blocked"');
  },
  "a payload and its hash changed": (open) => {
    const row = ownRow(open, 1);
    row.payload = (row.payload ?? "").replace("200", "201");
    row.leaf = rewritten(row.leaf, { payloadSha256: digestOfBytes(row.payload).slice(7) });
  },
  "another time of recording": (open) => {
    ownRow(open, 2).leaf = rewritten(ownRow(open, 2).leaf, { recordedAt: "2020-01-01T00:00:00.000Z" });
  },
  "a refusal taken away": (open) => {
    const row =
      ownRows(open).find(({ leaf }) => JSON.parse(leaf).refusal !== null) ?? assert.fail("nothing was refused");
    row.leaf = rewritten(row.leaf, { refusal: null });
  },
  "a row left out": (open) => rowsOf(open).splice(3, 1),
  "a row of another release left out": (open) => {
    rowsOf(open).splice(
      rowsOf(open).findIndex(({ payload }) => payload === null),
      1,
    );
  },
  "two rows in each other's place": (open) => {
    const [a, b] = [rowAt(open, 2), rowAt(open, 3)];
    rowsOf(open).splice(2, 2, b, a);
  },
  "a row twice": (open) => rowsOf(open).splice(2, 0, structuredClone(rowAt(open, 2))),
  "a row that was never recorded": (open) => {
    const last = rowAt(open, -1 + open.rows.length);
    const { sequence, position } = JSON.parse(last.leaf);
    const leaf = rewritten(last.leaf, {
      sequence: sequence + 1,
      position: position + 1,
      previousHash: digestOfBytes(`\0${last.leaf}`).slice(7),
    });
    rowsOf(open).push({ ...last, leaf });
  },
  "another application": (open) => {
    open.application = "other-1";
  },
  "another release": (open) => {
    open.releaseId = "rel-2";
  },
  "a proof of another row": (open) => {
    ownRow(open, 0).inclusion = [...(ownRow(open, 1).inclusion ?? [])];
  },
  "a proof that is too short": (open) => ownRow(open, 2).inclusion?.pop(),
  "a changed root": (open) => {
    open.checkpoint = open.checkpoint.replace(
      /\n[A-Za-z0-9+/]{43}=\n/u,
      `\n${Buffer.alloc(32, 7).toString("base64")}\n`,
    );
  },
  "a checkpoint of another key": (open) => {
    open.checkpoint = signCheckpoint({ size: open.rows.length, root: "07".repeat(32) }, stranger);
  },
  "another size": (open) => {
    open.checkpoint = open.checkpoint.replace(/\n\d+\n/u, "\n99\n");
  },
  "an earlier checkpoint that was never signed": (open) => {
    open.earlier = { checkpoint: signCheckpoint({ size: 2, root: "07".repeat(32) }, stranger), consistency: [] };
  },
  "a consistency proof of something else": (open) => {
    open.earlier = open.earlier && { ...open.earlier, consistency: [...open.earlier.consistency].reverse() };
  },
  "an attestation left out": (open) => {
    open.attestations = open.attestations.slice(1);
  },
  "an attestation of another key": (open) => {
    const text = Buffer.from(open.attestations[0]?.payload ?? "", "base64").toString();
    open.attestations = [signEnvelope("application/vnd.in-toto+json", text, stranger), ...open.attestations.slice(1)];
  },
  "an attestation that says something else": (open) => {
    const [first, ...rest] = open.attestations;
    if (!first) return;
    const text = Buffer.from(first.payload, "base64").toString().replace("PASSED", "FAILED");
    open.attestations = [{ ...first, payload: Buffer.from(text).toString("base64") }, ...rest];
  },
  "an artifact that no event names": (open) => {
    open.artifacts = open.artifacts.map((artifact) => ({ ...artifact, digest: digestOfBytes("another") }));
  },
};

const script = fileURLToPath(new URL("../../../test/support/independent-verifier.mjs", import.meta.url));
const verifiedBySomebodyElse = (directory: string, text: string): string => {
  const file = join(directory, "passport.json");
  writeFileSync(file, text);
  try {
    return execFileSync(process.execPath, [script, file, signing.verifierKey], { encoding: "utf8" });
  } catch (failed) {
    return `refused: ${(failed as { stdout: string }).stdout}`;
  }
};

it.live("a passport is believed by us and by a verifier that knows nothing of us, and no forged one is", () =>
  Effect.gen(function* () {
    const directory = yield* folder;
    const text = yield* passport(directory);
    const open = Schema.decodeUnknownSync(ReleasePassport)(JSON.parse(text)) as Open;
    assert.isNotNull(open.earlier);
    assert.isAbove(open.rows.filter(({ payload }) => payload === null).length, 0);
    const verified = Result.getOrThrow(verifyPassport(open, key));
    assert.deepStrictEqual(verified.faults, []);
    assert.deepStrictEqual(
      open.attestations.map(({ payload }) => JSON.parse(Buffer.from(payload, "base64").toString()).predicateType),
      [
        "https://in-toto.io/attestation/test-result/v0.1",
        ...Array.from({ length: 5 }, () => "https://in-toto.io/attestation/svr/v0.2"),
      ],
    );
    assert.match(verifiedBySomebodyElse(directory, text), /^rel-1 of support-bot: \d+ rows and 6 attestations hold/);

    for (const [name, forge] of Object.entries(forgeries)) {
      const forged = structuredClone(open);
      forge(forged);
      const found = verifyPassport(forged, key);
      assert.isTrue(Result.isFailure(found) || found.success.faults.length > 0, `${name} was believed`);
      assert.match(verifiedBySomebodyElse(directory, JSON.stringify(forged)), /^refused/, `${name} was believed`);
    }
    assert.isAtLeast(Object.keys(forgeries).length, 20);
    assert.isAtMost(readFileSync(script, "utf8").trim().split("\n").length, 60);
  }).pipe(Effect.scoped),
);
