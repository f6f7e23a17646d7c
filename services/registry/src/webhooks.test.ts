import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, it } from "@effect/vitest";
import { CdEventsBody, type ReleaseState } from "@sluice/contracts";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Webhook as Receiver } from "standardwebhooks";
import { registryService } from "./registry-service.ts";
import { call, decided, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

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
      const log = yield* ReleaseLog;
      const run = <A>(work: (address: string) => Promise<A>) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { address } = yield* registryService({ port: 0, tokens, webhooks });
            return yield* Effect.promise(() => work(address));
          }),
        );
      const releaseId = yield* run(async (address) => {
        const { candidate } = await withApplication(address);
        const requested = await call(address, "POST", "/v1/releases", {
          body: { application: "support-bot", candidate, team: "support", commit: "c0ffee" },
        });
        await until(2);
        const feed = await call(address, "GET", "/v1/cdevents");
        const { events, next } = Schema.decodeUnknownSync(CdEventsBody)(feed.body);
        assert.deepStrictEqual(
          events.map(({ context, subject }) => [context.type, subject.id]),
          [["dev.cdevents.change.merged.0.2.0", "c0ffee"]],
        );
        const rest = await call(address, "GET", `/v1/cdevents?after=${next}`);
        assert.deepInclude(rest.body as object, { events: [], next });
        return decided(requested.body).releaseId ?? "";
      });
      // Nobody is there to tell it; the next registry on the same bus does.
      const head = { application: "support-bot", releaseId, at: new Date().toISOString() };
      const author = { id: "olga", role: "operator" } as const;
      yield* log.submit({ _tag: "AbortRelease", ...head, author, reason: "enough", commandId: "abort-1" });
      yield* run(() => until(3));
      assert.deepStrictEqual(versions(), [1, 2, 3], "each once: what was told before is not told again");
    }).pipe(Effect.scoped, Effect.provide(ports)),
  60_000,
);
