import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@clickhouse/client";
import { assert, it } from "@effect/vitest";
import { digestOfBytes } from "@sluice/contracts";
import * as Telemetry from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { afterAll } from "vitest";
import { registryService } from "./registry-service.ts";
import { call, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-clickhouse-http-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withTelemetry = Layer.merge(ports, Telemetry.layerClickHouse({ path: join(folder, "clickhouse") }));
const member = { tokenDigest: digestOfBytes("of growth"), id: "gwen", role: "viewer" as const, team: "growth" };

it.live(
  "ClickHouse's own clients read through the registry, with a token, and can write nothing",
  () =>
    Effect.gen(function* () {
      const { address } = yield* registryService({ port: 0, tokens: [...tokens, member] });
      yield* Effect.promise(async () => {
        const { candidate } = await withApplication(address);
        for (const team of ["support", "growth"])
          await call(address, "POST", "/v1/releases", {
            body: { application: "support-bot", candidate, team, policy: { whileActive: "queue" } },
            headers: { "idempotency-key": team },
          });
        const url = `${address}/clickhouse`;
        const client = createClient({ url: address, pathname: "/clickhouse", access_token: "token-of-viewer" });
        const requests = "SELECT team FROM release_events FINAL WHERE type = {type:String} ORDER BY team";
        const read = async () => {
          const result = await client.query({
            query: requests,
            query_params: { type: "ReleaseRequested" },
            format: "JSONEachRow",
          });
          return (await result.json<{ team: string }>()).map(({ team }) => team);
        };
        // The analysts' table follows the record.
        while ((await read()).length < 2);
        assert.deepStrictEqual(await read(), ["growth", "support"]);
        assert.isTrue((await client.ping()).success);
        const whole = await (await client.query({ query: "SELECT toUInt64(7) AS n" })).json<{ n: number }>();
        assert.deepStrictEqual(whole.data, [{ n: 7 }]);
        const refused = await client.command({ query: "DROP TABLE release_events" }).catch((error: unknown) => error);
        assert.include(refused as object, { code: "164", type: "READONLY" });
        await client.close();

        const asMember = createClient({
          url: address,
          pathname: "/clickhouse",
          username: "gwen",
          password: "of growth",
        });
        const own = await asMember.query({ query: "SELECT DISTINCT team FROM release_events", format: "CSV" });
        assert.strictEqual((await own.text()).trim(), '"growth"');
        await asMember.close();

        const curl = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, init);
        const key = { "x-clickhouse-user": "any", "x-clickhouse-key": "token-of-viewer" };
        assert.strictEqual(await (await curl("/?query=SELECT+1", { headers: key })).text(), "1\n");
        assert.strictEqual(
          await (await curl("?default_format=CSV", { method: "POST", headers: key, body: "SELECT 'a'" })).text(),
          '"a"\n',
        );
        const nobody = await curl("?query=SELECT+1");
        assert.strictEqual(nobody.status, 401);
        assert.match(await nobody.text(), /^Code: 516\. DB::Exception: send a token .* \(AUTHENTICATION_FAILED\)/);
        const wrong = await curl("?query=SELEC+1", { headers: key });
        assert.deepStrictEqual([wrong.status, wrong.headers.get("x-clickhouse-exception-code")], [400, "62"]);
        assert.strictEqual(await (await curl("/ping")).text(), "Ok.\n");
      });
    }).pipe(Effect.scoped, Effect.provide(withTelemetry)),
  60_000,
);
