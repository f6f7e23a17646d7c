import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import { CdEventsBody, type ReleaseState } from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import { layerPGlite } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { Webhook as Receiver } from "standardwebhooks";
import { afterAll } from "vitest";
import { registryService } from "./registry-service.ts";
import { call, decided, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-webhooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const secret = `whsec_${Buffer.from("a key of thirty-two bytes, or so").toString("base64")}`;

it.live(
  "a receiver is told every state once, signed and in order, also of what happened while it was away",
  () =>
    Effect.gen(function* () {
      const told: Array<ReleaseState> = [];
      let broken = 3;
      const server = createServer((request, response) => {
        let body = "";
        request.on("data", (chunk) => {
          body += chunk;
        });
        request.on("end", () => {
          broken -= 1;
          if (broken >= 0) {
            response.statusCode = 500;
            return response.end();
          }
          // A stranger's implementation of the form: it throws when signature or time are wrong.
          const verified = new Receiver(secret).verify(body, request.headers as Record<string, string>);
          told.push((verified as { data: ReleaseState }).data);
          return response.end();
        });
      });
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void))),
      );
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
      const webhooks = [{ id: "shop", url, secretEnv: "NOT_READ_HERE", secret }];
      const versions = () => told.map(({ version }) => version);
      const until = async (n: number) => {
        while (new Set(versions()).size < n) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      // One bus, two registries after each other: the second goes on where the first has stopped.
      const bus = yield* Layer.build(
        EventBus.layerPostgres({ pollMs: 50 }).pipe(
          Layer.provide(layerPGlite({ directory: join(folder, "postgres") })),
        ),
      );
      const run = <A>(work: (address: string) => Promise<A>) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { address } = yield* registryService({ port: 0, tokens, webhooks });
            return yield* Effect.promise(() => work(address));
          }),
        );
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* run(async (address) => {
            const { candidate } = await withApplication(address);
            const requested = await call(address, "POST", "/v1/releases", {
              body: { application: "support-bot", candidate, team: "support", commit: "c0ffee" },
            });
            const { releaseId } = decided(requested.body);
            await until(2);
            await call(address, "POST", `/v1/releases/${releaseId}/abort`, { body: { reason: "enough" } });
            await until(3);
            const feed = await call(address, "GET", "/v1/cdevents");
            const { events, next } = Schema.decodeUnknownSync(CdEventsBody)(feed.body);
            assert.deepStrictEqual(
              events.map(({ context, subject }) => [context.type, subject.id]),
              [["dev.cdevents.change.merged.0.2.0", "c0ffee"]],
            );
            const rest = await call(address, "GET", `/v1/cdevents?after=${next}`);
            assert.deepInclude(rest.body, { events: [], next });
          });
        }),
        Layer.provideMerge(ports, Layer.succeedContext(bus)),
      );
      assert.deepStrictEqual([...new Set(versions())], [1, 2, 3]);
      assert.deepStrictEqual(
        versions(),
        [...versions()].sort((a, b) => a - b),
      );
    }).pipe(Effect.scoped),
  60_000,
);
