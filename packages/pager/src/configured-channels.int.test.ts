import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Channel } from "./channel.ts";
import type { PageSettingsInput } from "./channel-settings.ts";
import { configuredChannels } from "./configured-channels.ts";
import type { PageMessage } from "./pager.ts";

const page: PageMessage = {
  dedupKey: "sluice/support-bot/rel-1/breach",
  action: "trigger",
  severity: "critical",
  summary: "errors 5.1 % against 1.0 %",
  application: "support-bot",
  releaseId: "rel-1",
  at: "2026-01-01T09:00:00.000Z",
};
const notice: PageMessage = { ...page, action: "notice", severity: "info", phase: "completed" };

interface Taken {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A receiver that answers with the given statuses in turn, the last one for ever; 0 never answers. */
const receiver = (statuses: ReadonlyArray<number>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const taken: Array<Taken> = [];
      const server = createServer(async (incoming, outgoing) => {
        let body = "";
        for await (const chunk of incoming) body += chunk;
        taken.push({ path: incoming.url ?? "", headers: incoming.headers, body });
        const status = statuses[Math.min(taken.length, statuses.length) - 1] ?? 200;
        if (status > 0) outgoing.writeHead(status).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return { server, taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.closeAllConnections();
        server.close();
      }),
  );

const environment = { ROUTING_KEY: "r0uting", HOOK_SECRET: "s3cret", AM_TOKEN: "t0ken" };
const one = (
  settings: PageSettingsInput["channels"][number],
  variables: Record<string, string> = environment,
): Channel => {
  const channels = Result.getOrThrowWith(
    configuredChannels({ channels: [settings] }, variables),
    (sentence) => new Error(sentence),
  );
  return channels[0] ?? assert.fail("no channel");
};

it.live("a webhook gets the message as JSON, signed and timestamped, with its key", () =>
  Effect.gen(function* () {
    const { taken, url } = yield* receiver([202]);
    yield* one({ kind: "webhook", name: "hook", url, secretEnv: "HOOK_SECRET" }).send(page);
    const [first] = taken;
    assert.strictEqual(JSON.parse(first?.body ?? "").id, "sluice/support-bot/rel-1/breach/trigger");
    assert.strictEqual(first?.headers["idempotency-key"], "sluice/support-bot/rel-1/breach/trigger");
    const [, seconds, signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(first?.headers["x-sluice-signature"])) ?? [];
    assert.strictEqual(signature, createHmac("sha256", "s3cret").update(`${seconds}.${first?.body}`).digest("hex"));
    assert.closeTo(Number(seconds), Date.now() / 1_000, 60);
  }).pipe(Effect.scoped),
);

it.live("each kind posts to its own place", () =>
  Effect.gen(function* () {
    const { taken, url } = yield* receiver([202]);
    const pagerduty = one({ kind: "pagerduty", name: "on-call", routingKeyEnv: "ROUTING_KEY", url });
    yield* pagerduty.send(page);
    yield* pagerduty.send(notice);
    yield* one({ kind: "alertmanager", name: "am", url, tokenEnv: "AM_TOKEN" }).send(page);
    yield* one({ kind: "slack", name: "team", urlEnv: "SLACK" }, { SLACK: `${url}/services/T0/B0/xyz` }).send(notice);
    yield* one({ kind: "webhook", name: "hook", url: `${url}/hook`, format: "alertmanager" }).send(page);
    assert.deepStrictEqual(
      taken.map(({ path }) => path),
      ["/v2/enqueue", "/v2/change/enqueue", "/api/v2/alerts", "/services/T0/B0/xyz", "/hook"],
    );
    assert.strictEqual(JSON.parse(taken[0]?.body ?? "").routing_key, "r0uting");
    assert.strictEqual(taken[2]?.headers.authorization, "Bearer t0ken");
    assert.strictEqual(JSON.parse(taken[4]?.body ?? "").version, "4");
  }).pipe(Effect.scoped),
);

it.live("a receiver in trouble is asked again, up to three times; what is refused is not sent again", () =>
  Effect.gen(function* () {
    const recovering = yield* receiver([503, 429, 200]);
    yield* one({ kind: "webhook", name: "hook", url: recovering.url }).send(page);
    assert.strictEqual(recovering.taken.length, 3);
    const broken = yield* receiver([500]);
    const failure = yield* Effect.flip(one({ kind: "webhook", name: "hook", url: broken.url }).send(page));
    assert.deepStrictEqual([failure.reason, broken.taken.length], ["it answered 500", 4]);
    const refusing = yield* receiver([401]);
    const refusal = yield* Effect.flip(one({ kind: "webhook", name: "hook", url: refusing.url }).send(page));
    assert.deepStrictEqual([refusal.reason, refusing.taken.length], ["it answered 401", 1]);
  }).pipe(Effect.scoped),
);

it.live("a receiver that never answers, or is not there, is a failure in bounded time that tells no secret", () =>
  Effect.gen(function* () {
    const { url } = yield* receiver([0]);
    const silent = yield* Effect.flip(one({ kind: "webhook", name: "hook", url, timeoutMs: 50 }).send(page));
    assert.match(silent.reason, /no answer within 50 ms|cannot be reached/);
    const secretive = one(
      { kind: "webhook", name: "hook", urlEnv: "URL" },
      { URL: "http://127.0.0.1:9/?token=hidden" },
    );
    const absent = yield* Effect.flip(secretive.send(page));
    assert.match(absent.reason, /cannot be reached/);
    assert.notInclude(absent.reason, "hidden");
  }).pipe(Effect.scoped),
);

it("settings that cannot be used are told in a sentence, before anything is sent", () => {
  const sentenceOf = (channels: ReadonlyArray<unknown>) =>
    Result.match(configuredChannels({ channels }, environment), { onFailure: (text) => text, onSuccess: () => "fine" });
  const hook = { kind: "webhook", name: "hook", url: "http://127.0.0.1:1" };
  assert.strictEqual(sentenceOf([hook]), "fine");
  assert.match(sentenceOf([]), /length/);
  assert.match(sentenceOf([hook, hook]), /channels of different names/);
  assert.match(sentenceOf([{ kind: "webhook", name: "hook" }]), /either `url` or `urlEnv`/);
  assert.match(sentenceOf([{ ...hook, secret: "in the file" }]), /secret/);
  assert.strictEqual(
    sentenceOf([{ kind: "slack", name: "team", urlEnv: "NOT_SET" }]),
    "channel team reads NOT_SET, which is not set in the environment",
  );
});
