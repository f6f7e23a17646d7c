import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import { EventStore } from "@sluice/event-store";
import * as Telemetry from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as References from "effect/References";
import { Pool } from "undici";
import { afterAll } from "vitest";
import { registryService } from "./registry-service.ts";
import { type OpenApi, type RandomRequest, randomOf, requestMaker } from "./testing/random-requests.ts";
import { bundle, call, decided, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

const REQUESTS = 20_000;
const SEED = 20_261_126;
const CONCURRENCY = 16;
/** Longer than any answer here may take: what takes longer hangs. */
const ANSWERED_WITHIN_MS = 30_000;
/** Whose work grows with the record, or costs a database: as often as the others they would be all that is tested. */
const seldom = /audit|kpi|answer|checkpoint|passport|cdevent|stream|listTokens/iu;

const folder = mkdtempSync(join(tmpdir(), "sluice-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const logged: Array<string> = [];
const logger = Logger.make(
  ({ message, fiber }) =>
    void logged.push(`${String(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`),
);
const parts = Layer.mergeAll(
  ports,
  Telemetry.layerClickHouse({ path: join(folder, "clickhouse") }),
  Logger.layer([logger]),
);

it.live(
  "20,000 requests of every endpoint, made from the OpenAPI document: no 5xx, none hangs, none shows a stack",
  () =>
    Effect.gen(function* () {
      const { address } = yield* registryService({
        port: 0,
        tokens,
        requestsPerMinute: 1_000_000,
        failuresPerMinute: 1_000_000,
      });
      yield* Effect.promise(async () => {
        const { candidate, baseline } = await withApplication(address);
        const requested = await call(address, "POST", "/v1/releases", {
          body: { application: "support-bot", candidate, team: "support" },
        });
        const document = (await (await fetch(`${address}/openapi.json`)).json()) as OpenApi;
        const random = randomOf(SEED);
        const made = requestMaker(
          document,
          {
            application: ["support-bot", "search-bot", "third-bot"],
            key: ["support-bot"],
            releaseId: [decided(requested.body).releaseId, "rel-0"],
            digest: [candidate.digest, baseline.digest, baseline.artifacts.prompt ?? ""],
            candidate: [candidate, baseline],
            baseline: [baseline, candidate],
            to: [baseline.digest, candidate.digest],
            team: ["support"],
            reason: ["because"],
            policy: [{}, { whileActive: "supersede" }],
            evidence: [null],
            artifact: [bundle("Be brief.").prompt as never, { kind: "prompt" }],
            query: ["SELECT 1", "SELECT * FROM kpi_overrides", "SELECT * FROM file('x')", "DROP TABLE observations"],
            after: ["0", "1"],
            limit: ["1", "1000", "1001"],
            wait: ["0", "0.01", "-1", "x"],
            at: ["2026-11-26T12:00:00.000Z"],
          },
          [...tokens.map(({ role }) => `token-of-${role}`), "token-of-admin", "token-of-admin", "nobody"],
          random,
        );
        const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
        );
        const asked = new Map<string, number>();
        const statuses = new Map<number, number>();
        const pool = new Pool(address, { connections: CONCURRENCY, headersTimeout: ANSWERED_WITHIN_MS });
        const send = async (request: RandomRequest) => {
          const said = `${request.operationId} ${request.method} ${request.path} ${request.body?.slice(0, 300)}`;
          const abort = new AbortController();
          const { method, path, headers, body } = request;
          const answer = await pool
            .request({ method: method as "GET", path, headers, body: body ?? null, signal: abort.signal })
            .catch((cause: unknown) => assert.fail(`${said}: ${cause}`));
          statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
          if (answer.headers["content-type"] === "text/event-stream") {
            answer.body.on("error", () => {});
            return abort.abort();
          }
          const text = await answer.body.text();
          assert.isBelow(answer.statusCode, 500, `${said}: ${text.slice(0, 500)} ${logged.at(-1)}`);
          assert.notMatch(text.slice(0, 20_000), /\n\s+at |\bat file:|node_modules|\.ts:\d+/u, said);
        };
        let sent = 0;
        const worker = async () => {
          while (sent < REQUESTS) {
            const chosen = operations[Math.floor(random() * operations.length)];
            if (!chosen || (seldom.test(chosen.operation.operationId) && random() > 0.02)) continue;
            sent += 1;
            asked.set(chosen.operation.operationId, (asked.get(chosen.operation.operationId) ?? 0) + 1);
            await send(made(chosen.path, chosen.method, chosen.operation));
          }
        };
        await Promise.all(Array.from({ length: CONCURRENCY }, worker));
        await pool.close();
        assert.deepStrictEqual(
          operations.filter(({ operation }) => !asked.has(operation.operationId)),
          [],
        );
        // A fuzz that is refused at the door tests nothing: a good part of it gets in, and some of it is carried out.
        assert.isAbove(
          (statuses.get(200) ?? 0) + (statuses.get(201) ?? 0),
          REQUESTS / 10,
          JSON.stringify([...statuses]),
        );
        assert.strictEqual((await fetch(`${address}/readyz`)).status, 200);
        assert.notMatch(logged.join("\n"), /token-of-/u, "no token reaches a log");
      });
      const store = yield* EventStore;
      let after = 0;
      for (let rows = yield* store.read({ after, limit: 500 }); rows.length > 0; ) {
        for (const { payload } of rows) assert.notMatch(payload, /token-of-/u, "no token reaches the record");
        after = rows.at(-1)?.position ?? after;
        rows = yield* store.read({ after, limit: 500 });
      }
    }).pipe(Effect.scoped, Effect.provide(parts)),
  // A limit against hanging for ever; how long it takes says how busy the machine is.
  480_000,
);
