import { gzipSync } from "node:zlib";
import { assert, it } from "@effect/vitest";
import { ArtifactStore, ArtifactStoreError } from "@sluice/artifact-store";
import {
  type Bundle,
  digestOfBytes,
  type OfflineEvidence,
  Policy,
  type ReleaseEvent,
  referenceOf,
  timestampOf,
} from "@sluice/contracts";
import { layerMemory } from "@sluice/event-bus";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as References from "effect/References";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { gateSettings } from "../settings.ts";
import { answerReleases } from "./answer-releases.ts";
import { Evaluator } from "./evaluator.ts";

const bundle = (text: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: text }] },
  model: { kind: "model", provider: "main", model: "m-1", parameters: {} },
});
const baseline = referenceOf(bundle("old"));
const candidate = referenceOf(bundle("new"));
const other = referenceOf(bundle("another"));
const author = { id: "ci", role: "ci" } as const;
const policy = Schema.decodeUnknownSync(Policy)({});

/** A store that fails its first `outages` reads, as one that is down does. */
const store = (contents: ReadonlyArray<string | Uint8Array>, outages = 0) => {
  const kept = new Map(contents.map((content) => [digestOfBytes(content), Buffer.from(content)]));
  let left = outages;
  return Layer.succeed(ArtifactStore, {
    has: () => Effect.succeed(true),
    remove: () => Effect.die("nothing is removed here"),
    put: () => Effect.die("not used"),
    get: (digest) =>
      left-- > 0
        ? Effect.fail(new ArtifactStoreError({ operation: "get", message: "connection refused" }))
        : Effect.succeed(Option.fromUndefinedOr(kept.get(digest))),
  });
};

const results = (score: (index: number) => number): string =>
  Array.from({ length: 40 }, (_, i) => JSON.stringify({ case_id: `c${i}`, slice: "all", score: score(i) })).join("\n");
const good = results((i) => (i % 4 === 0 ? 0 : 1));
const better = results((i) => (i % 5 === 0 ? 0 : 1));
const bad = results((i) => (i % 4 === 1 ? 1 : 0));

const evidenceOf = (from: string, to: string): OfflineEvidence => ({
  evalSet: digestOfBytes("eval set"),
  producedAt: timestampOf(0),
  baseline: { bundle: baseline.digest, results: digestOfBytes(from) },
  candidate: { bundle: candidate.digest, results: digestOfBytes(to) },
});

const request = (evidence: OfflineEvidence | null, at = timestampOf(0), releaseId = "rel-1") =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const application = "support-bot";
    yield* log.submit({
      _tag: "RegisterApplication",
      application,
      at: timestampOf(0),
      baseline,
      author: { id: "ada", role: "admin" },
    });
    yield* log.submit({
      _tag: "RequestRelease",
      application,
      releaseId,
      at,
      candidate,
      policy,
      evidence,
      author,
      team: "support",
      description: "",
      commit: null,
      link: null,
      mergedAt: null,
    });
  });

type GateEvent = Extract<ReleaseEvent, { readonly report: unknown }>;

const isGateEvent = (event: ReleaseEvent): event is GateEvent => "report" in event;

interface Given {
  readonly evidence: OfflineEvidence | null;
  readonly stored: ReadonlyArray<string | Uint8Array>;
  readonly requestedAt?: string;
  /** Reads that fail before the store is back. */
  readonly outages?: number;
}

/** Starts the gate, requests a release and waits for the gate's event on the log. */
const answerTo = ({ evidence, stored, requestedAt, outages }: Given) =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const answered = yield* log.changes.pipe(
      Stream.map(({ event }) => event),
      Stream.filter(isGateEvent),
      Stream.runHead,
      Effect.forkChild({ startImmediately: true }),
    );
    yield* answerReleases(gateSettings({ retryMs: 1, tickMs: 10 }));
    yield* request(evidence, requestedAt);
    const event = Option.getOrThrow(yield* Fiber.join(answered));
    return { event, phase: log.applications().get("support-bot")?.active?.phase };
  }).pipe(Effect.timeout("5 seconds"), Effect.provide(layers(stored, outages)));

const layers = (stored: ReadonlyArray<string | Uint8Array>, outages = 0) =>
  Layer.mergeAll(
    ReleaseLog.layer.pipe(Layer.provideMerge(layerMemory)),
    store(stored, outages),
    Evaluator.layerInline,
    // Outages are logged as warnings; here they are meant.
    Layer.succeed(References.MinimumLogLevel, "None"),
  );

const sentenceOf = (event: GateEvent): string => event.report.reasons[0]?.sentence ?? "";

it.live("a candidate that is no worse passes", () =>
  Effect.gen(function* () {
    const { event, phase } = yield* answerTo({ evidence: evidenceOf(good, better), stored: [good, better] });
    assert.strictEqual(event._tag, "OfflineGatePassed");
    assert.strictEqual(phase, "gate-passed");
    assert.strictEqual(event.report.headline?.n, 40);
    assert.deepStrictEqual(event.report.evidence, evidenceOf(good, better));
  }),
);

it.live("a candidate that regresses is blocked, with the reason", () =>
  Effect.gen(function* () {
    const { event, phase } = yield* answerTo({ evidence: evidenceOf(good, bad), stored: [good, bad] });
    assert.strictEqual(event._tag, "OfflineGateBlocked");
    assert.notStrictEqual(phase, "gate-passed");
    assert.match(sentenceOf(event), /Slice "all" is down by 0\.500/);
  }),
);

it.live("compressed results are read like plain ones", () =>
  Effect.gen(function* () {
    const packed = gzipSync(better);
    const evidence = {
      ...evidenceOf(good, better),
      candidate: { bundle: candidate.digest, results: digestOfBytes(packed) },
    };
    const { event } = yield* answerTo({ evidence, stored: [good, packed] });
    assert.strictEqual(event._tag, "OfflineGatePassed");
  }),
);

it.live("one paired artifact may stand for both arms, one arm may not be compared with itself", () =>
  Effect.gen(function* () {
    const paired = Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({ case_id: `c${i}`, baseline: { score: i % 2 }, candidate: { score: 1 } }),
    ).join("\n");
    const { event } = yield* answerTo({ evidence: evidenceOf(paired, paired), stored: [paired] });
    assert.strictEqual(event._tag, "OfflineGatePassed");
    const self = yield* answerTo({ evidence: evidenceOf(good, good), stored: [good] });
    assert.strictEqual(self.event._tag, "OfflineGateInvalid");
    assert.match(sentenceOf(self.event), /holds 1 arm/);
  }),
);

const invalid: ReadonlyArray<readonly [string, Given, RegExp]> = [
  ["no evidence", { evidence: null, stored: [] }, /without offline evidence/],
  [
    "evidence about another candidate",
    {
      evidence: { ...evidenceOf(good, better), candidate: { bundle: other.digest, results: digestOfBytes(better) } },
      stored: [],
    },
    /about candidate sha256:/,
  ],
  [
    "evidence against a baseline that is not served any more",
    {
      evidence: { ...evidenceOf(good, better), baseline: { bundle: other.digest, results: digestOfBytes(good) } },
      stored: [],
    },
    /is at 100 % now/,
  ],
  [
    "stale evidence",
    { evidence: evidenceOf(good, better), stored: [good, better], requestedAt: timestampOf(8 * 86_400_000) },
    /192 h before the request, and the policy allows 168 h/,
  ],
  [
    "evidence from the future",
    { evidence: { ...evidenceOf(good, better), producedAt: timestampOf(3_600_000) }, stored: [good, better] },
    /1 h after the request/,
  ],
  [
    "results that are not in the store",
    { evidence: evidenceOf(good, better), stored: [good] },
    /of the candidate .* not in the artifact store/,
  ],
  [
    "results that are no results",
    { evidence: evidenceOf(good, "what is this"), stored: [good, "what is this"] },
    /results of the candidate .* no format that is known/,
  ],
  [
    "a score that is none",
    {
      evidence: evidenceOf(good, `${better}\n{"case_id":"x","score":1.7}`),
      stored: [good, `${better}\n{"case_id":"x","score":1.7}`],
    },
    /line 41: score is 1.7/,
  ],
];

for (const [name, given, sentence] of invalid)
  it.live(`${name} makes the evidence invalid, never passed`, () =>
    Effect.gen(function* () {
      const { event } = yield* answerTo(given);
      assert.strictEqual(event._tag, "OfflineGateInvalid");
      assert.match(sentenceOf(event), sentence);
    }),
  );

it.live("a store that is down delays the verdict and does not make one", () =>
  Effect.gen(function* () {
    const { event } = yield* answerTo({ evidence: evidenceOf(good, better), stored: [good, better], outages: 4 });
    assert.strictEqual(event._tag, "OfflineGatePassed");
  }),
);

it.live("a release that was aborted while the store was down gets no report", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const seen: Array<string> = [];
    yield* Effect.forkChild(
      Stream.runForEach(log.changes, ({ event }) =>
        Effect.sync(() => seen.push(`${event._tag} ${"releaseId" in event ? event.releaseId : "rel"}`)),
      ),
      { startImmediately: true },
    );
    yield* answerReleases(gateSettings({ retryMs: 1, maxRetryMs: 5, tickMs: 5 }));
    yield* request(evidenceOf(good, better));
    yield* log.submit({
      _tag: "AbortRelease",
      application: "support-bot",
      releaseId: "rel-1",
      at: timestampOf(1),
      author: { id: "ada", role: "operator" },
      reason: "wrong bundle",
      commandId: "c-1",
    });
    yield* request(evidenceOf(good, better), timestampOf(2), "rel-2");
    yield* log.changes.pipe(
      Stream.filter(({ event }) => isGateEvent(event)),
      Stream.take(1),
      Stream.runDrain,
    );
    const story = [
      "ApplicationRegistered rel",
      "ReleaseRequested rel-1",
      "ReleaseAborted rel-1",
      "ReleaseRequested rel-2",
    ];
    assert.deepStrictEqual(seen, [...story, "OfflineGatePassed rel-2"]);
  }).pipe(Effect.timeout("5 seconds"), Effect.provide(layers([good, better], 40))),
);

it.live("two gates on one log give one report", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    yield* answerReleases(gateSettings({ tickMs: 5 }));
    yield* answerReleases(gateSettings({ tickMs: 5 }));
    const accepted: Array<string> = [];
    const done = yield* log.changes.pipe(
      Stream.filter(({ event }) => isGateEvent(event)),
      Stream.tap(({ refusal }) => Effect.sync(() => accepted.push(refusal?.code ?? "accepted"))),
      Stream.take(1),
      Stream.runDrain,
      Effect.forkChild({ startImmediately: true }),
    );
    yield* request(evidenceOf(good, better));
    yield* Fiber.join(done);
    assert.deepStrictEqual(accepted, ["accepted"]);
    assert.strictEqual(log.applications().get("support-bot")?.active?.phase, "gate-passed");
  }).pipe(Effect.provide(layers([good, better]))),
);
