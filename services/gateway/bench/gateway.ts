import { type Routing, routingTopic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus/event-bus";
import { encodeRecord } from "@sluice/event-bus/record";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Scope from "effect/Scope";
import { boundHeap } from "../src/adapters/heap-bounds.ts";
import { gatewayService } from "../src/gateway-service.ts";
import { gatewaySettings } from "../src/settings.ts";
import { bundleOf, candidateOf, routingOf } from "../src/testing/routing-fixture.ts";

/** The real service, assigning half of the users to a candidate, on a bus that encodes and forgets, or never answers. */
const [upstreamUrl = "", mode = "canary"] = process.argv.slice(2);

const mirror = { sampleRate: 1, concurrency: 256, queueLimit: 20_000, timeoutMs: 10_000 };
const candidate = candidateOf(
  bundleOf("candidate"),
  mode === "mirror" ? { share: 0, mirror } : { share: 0.5, payloadSampleRate: 0.1 },
);
const routing: Routing = routingOf(1, { candidate: { ...candidate, maxUnwatchedSeconds: 86_400 } });

let pairs = 0;
const bus: EventBus["Service"] = {
  publish: (topic, events) =>
    mode === "stalled"
      ? Effect.never
      : Effect.sync(() => {
          for (const event of events) {
            encodeRecord(topic, event);
            if (event._tag === "ShadowPairRecorded") pairs += 1;
          }
        }),
  consume: () => Effect.void,
  follow: (topic, handler) =>
    topic.name === routingTopic.name
      ? Effect.ignore(
          // The one topic whose events this bus holds.
          handler([
            {
              event: routing as unknown as Parameters<typeof handler>[0][number]["event"],
              topic: topic.name,
              partition: 0,
              offset: 0,
            },
          ]),
        )
      : Effect.void,
};

boundHeap();
const settings = gatewaySettings({
  port: 0,
  providers: { simulated: { baseUrl: `${upstreamUrl}/v1` } },
  // All is to be mirrored: what a budget would hold back would flatter the figures.
  maxMirroredPerSecond: null,
  maxMirroredTokensPerHour: null,
});
const { address } = await Effect.runPromise(
  gatewayService(settings).pipe(
    Effect.provideService(Scope.Scope, Effect.runSync(Scope.make())),
    Effect.provideContext(Context.make(EventBus, bus)),
  ),
);
process.send?.({ port: Number(new URL(address).port) });
process.on("message", () => process.send?.({ pairs }));
