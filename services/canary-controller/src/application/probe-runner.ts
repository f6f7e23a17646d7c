import { ArtifactStore } from "@sluice/artifact-store";
import {
  type Digest,
  digestOf,
  type JudgementEvent,
  judgementsTopic,
  SafetyProbe,
  timestampOf,
} from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { looksLikeRefusal } from "@sluice/judge";
import { type ApplicationState, candidateOf, policyOf, type Release, shareOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as FiberMap from "effect/FiberMap";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { probePasses } from "../domain/probe-answer.ts";
import { GatewayClient, ProbeError } from "./gateway-client.ts";

/** Identity of the rules in `probePasses`; a change of what they mean is a new one. */
export const probeJudge: Digest = digestOf({ kind: "safety-probe-rules", version: 1 });

const MAX_PROBES = 10_000;
/** A set that cannot be read now may be there later: it is looked for again after this. */
const UNREADABLE_PAUSE_MS = 10_000;

const decodeProbe = Schema.decodeUnknownEffect(Schema.fromJsonString(SafetyProbe));

/**
 * Sends the policy's safety probes to the candidate, one after the other at the policy's rate, as long as it has users, and
 * publishes each judgement. A failure is repeated at once, as often as policy says, and confirmed when it fails every time.
 */
export const probeRunner = Effect.fn("probeRunner")(function* (tickMs: number) {
  const log = yield* ReleaseLog;
  const running = yield* FiberMap.make<string>();
  const look = Effect.gen(function* () {
    const probed = [...log.applications().values()].flatMap((state) => {
      const release = state.active;
      return release && shareOf(release) > 0 && policyOf(release).canary.safetyProbes ? [{ state, release }] : [];
    });
    const wanted = new Set(probed.map(keyOf));
    for (const [key] of running) if (!wanted.has(key)) yield* FiberMap.remove(running, key);
    for (const { state, release } of probed)
      yield* FiberMap.run(running, keyOf({ state, release }), probe(state, release), { onlyIfMissing: true });
  });
  yield* onChangeOrTick("safety probes", look, tickMs);
});

/** Two applications may call a release the same. */
const keyOf = ({ state, release }: Pick<Running, "state" | "release">): string =>
  `${state.application}/${release.releaseId}`;

const probe = (state: ApplicationState, release: Release) =>
  Effect.gen(function* () {
    const policy = policyOf(release).canary.safetyProbes;
    if (!policy) return;
    const probes = yield* readProbes(policy.set);
    const intervalMs = 60_000 / policy.perMinute;
    for (let i = 0; ; i++) {
      const startedAtMs = yield* Clock.currentTimeMillis;
      const next = probes[i % probes.length];
      if (next) yield* runProbe({ state, release, probe: next, confirmations: policy.confirmations });
      yield* Effect.sleep(Math.max(0, startedAtMs + intervalMs - (yield* Clock.currentTimeMillis)));
    }
  }).pipe(
    Effect.catch((error) =>
      Effect.andThen(Effect.logError(`safety probes cannot run: ${error.message}`), Effect.sleep(UNREADABLE_PAUSE_MS)),
    ),
    Effect.annotateLogs({ application: state.application, releaseId: release.releaseId }),
  );

const readProbes = Effect.fnUntraced(function* (set: Digest) {
  const store = yield* ArtifactStore;
  const bytes = yield* store.get(set);
  if (Option.isNone(bytes)) return yield* new ProbeError({ message: `set ${set} is not in the artifact store` });
  const lines = new TextDecoder()
    .decode(bytes.value)
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (lines.length === 0 || lines.length > MAX_PROBES)
    return yield* new ProbeError({ message: `set ${set} has ${lines.length} probes, not 1 to ${MAX_PROBES}` });
  return yield* Effect.forEach(lines, (line, i) =>
    Effect.mapError(
      decodeProbe(line),
      (error) =>
        new ProbeError({ message: `set ${set}, line ${i + 1}: ${error.message.replaceAll(/\s*\n\s*/g, " ")}` }),
    ),
  );
});

interface Running {
  readonly state: ApplicationState;
  readonly release: Release;
  readonly probe: SafetyProbe;
  readonly confirmations: number;
}

const runProbe = Effect.fnUntraced(function* (running: Running) {
  const probeId = `${keyOf(running)}/${running.probe.case_id}/${yield* Clock.currentTimeMillis}`;
  const first = yield* askOnce(running);
  yield* publish(running, probeId, 0, first, first.passed === false && running.confirmations === 0);
  if (first.passed !== false) return;
  for (let repeat = 1; repeat <= running.confirmations; repeat++) {
    const again = yield* askOnce(running);
    yield* publish(running, probeId, repeat, again, again.passed === false && repeat === running.confirmations);
    if (again.passed !== false) return;
  }
});

interface Answered {
  readonly passed: boolean | null;
  readonly error: string | null;
}

/** An answer of another bundle than the candidate's says nothing about the candidate. */
const askOnce = Effect.fnUntraced(function* ({ state, release, probe: asked }: Running) {
  const client = yield* GatewayClient;
  const answered = client.askCandidate(state.application, asked.case_id, asked.input).pipe(
    Effect.map(({ text, servedBundle }): Answered => {
      const wrong = servedBundle !== null && servedBundle !== candidateOf(release);
      return wrong
        ? { passed: null, error: `answered by bundle ${servedBundle}` }
        : { passed: probePasses(asked, text, looksLikeRefusal), error: null };
    }),
  );
  return yield* Effect.catchTag(answered, "ProbeError", (error) =>
    Effect.succeed<Answered>({ passed: null, error: error.message }),
  );
});

const publish = Effect.fnUntraced(function* (
  { state, release, probe: asked }: Running,
  probeId: string,
  repeat: number,
  { passed, error }: Answered,
  confirmed: boolean,
) {
  const bus = yield* EventBus;
  const judged: JudgementEvent = {
    _tag: "SafetyProbeJudged",
    judgementId: `${probeId}/${repeat}`,
    application: state.application,
    releaseId: release.releaseId,
    judge: probeJudge,
    at: timestampOf(yield* Clock.currentTimeMillis),
    probeId,
    caseId: asked.case_id,
    passed,
    confirmed,
    error,
  };
  yield* bus.publish(judgementsTopic, [judged]);
});
