import { readFileSync } from "node:fs";
import { assert, it } from "@effect/vitest";
import {
  digestOfBytes,
  JudgementEvent,
  ObservationEvent,
  type PairJudged,
  type ShadowPairRecorded,
  ShadowPairsBody,
} from "@sluice/contracts";
import { TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { call, decided, failure, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

const golden = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../contracts/golden/${path}`, import.meta.url), "utf8"));
const pair = Schema.decodeUnknownSync(ObservationEvent)(
  golden("sluice.observations.v1/ShadowPairRecorded.v1.json"),
) as ShadowPairRecorded;
const judgement = Schema.decodeUnknownSync(JudgementEvent)(
  golden("sluice.judgements.v1/PairJudged.v1.json"),
) as PairJudged;

const member = (team: string) => ({
  tokenDigest: digestOfBytes(`token-of-${team}`),
  id: `a member of ${team}`,
  role: "operator" as const,
  team,
});
const start = registryService({ port: 0, tokens: [...tokens, member("support"), member("growth")] });
const body = Schema.decodeUnknownSync(ShadowPairsBody);

it.live("texts of a shadow are told to people of its team who may read them, with what policy keeps", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    const telemetry = yield* TelemetryStore;
    const requested = yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const policy = { shadow: { payloadSampleRate: 0.5 } };
      return call(address, "POST", "/v1/releases", {
        role: "ci",
        body: { application: "support-bot", candidate, team: "support", policy },
      });
    });
    const releaseId = decided(requested.body).releaseId ?? "";
    const path = `/v1/releases/${releaseId}/pairs`;
    const ask = (query = "", headers: Record<string, string> = {}) =>
      Effect.promise(() => call(address, "GET", `${path}${query}`, { role: "approver", headers }));

    const before = yield* ask();
    assert.deepStrictEqual(body(before.body), { payloadSampleRate: 0.5, keptDays: 30, kept: 0, pairs: [] });
    yield* telemetry.insertPairs([{ ...pair, application: "support-bot", releaseId, pairId: "pair/1" }]);
    const scores = { baselineScore: 1, candidateScore: 0, error: null };
    const judged = { ...judgement, application: "support-bot", releaseId, pairId: "pair/1" };
    yield* telemetry.insertJudgements([{ ...judged, ...scores }]);
    const { kept, pairs } = body((yield* ask("?limit=1")).body);
    assert.strictEqual(kept, 1);
    assert.strictEqual(pairs[0]?.candidate.output, pair.candidate.output);
    assert.deepStrictEqual(pairs[0]?.judgement, scores);

    const odd = yield* ask("?limit=101");
    assert.strictEqual(odd.status, 400);
    assert.match(failure(odd.body).message, /limit is 101; give 1 to 100/);
    const own = yield* ask("", { authorization: "Bearer token-of-support" });
    assert.strictEqual(own.status, 200);
    const foreign = yield* ask("", { authorization: "Bearer token-of-growth" });
    assert.deepStrictEqual([foreign.status, failure(foreign.body).code], [403, "other-team"]);
    assert.notInclude(JSON.stringify(foreign.body), pair.input);
    const unknown = yield* Effect.promise(() => call(address, "GET", "/v1/releases/nothing/pairs"));
    assert.strictEqual(unknown.status, 404);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
