import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Parser } from "@asyncapi/parser";
import { assert, describe, it } from "@effect/vitest";
import { compileErrors, validate } from "@readme/openapi-parser";
import { registryRoutes } from "../registry-api.ts";
import { topics } from "../topics.ts";
import { driftOf } from "./drift.ts";
import { flows } from "./flows.ts";
import { generatedFiles } from "./generated-files.ts";
import { eventTypes } from "./schema-files.ts";

const files = generatedFiles();
const document = (path: string) => JSON.parse(files.get(path) ?? "{}");

describe("drift", () => {
  it("there is none: contracts/generated is what the contracts say", () => {
    const root = join(import.meta.dirname, "../../generated");
    assert.deepStrictEqual(driftOf(root, files), { drifted: [], left: [] });
  });
  it("is named: what is missing, what is different, what is left over", () => {
    const root = mkdtempSync(join(tmpdir(), "sluice-drift-"));
    mkdirSync(join(root, "schemas"));
    writeFileSync(join(root, "schemas/same.json"), "1");
    writeFileSync(join(root, "different.json"), "2");
    writeFileSync(join(root, "left.json"), "3");
    const wanted = new Map([
      ["schemas/same.json", "1"],
      ["different.json", "1"],
      ["missing.json", "1"],
    ]);
    assert.deepStrictEqual(driftOf(root, wanted), { drifted: ["different.json", "missing.json"], left: ["left.json"] });
  });
  it("does not come from generating twice", () => assert.deepStrictEqual(generatedFiles(), files));
});

describe("AsyncAPI", () => {
  it("is a valid document of version 3.0 with every topic and event", async () => {
    const parsed = await new Parser().parse(files.get("asyncapi.json") ?? "");
    const errors = parsed.diagnostics.filter(({ severity }) => severity === 0);
    assert.deepStrictEqual(
      errors.map(({ path, message }) => `${path.join("/")}: ${message}`),
      [],
    );
    const api = parsed.document;
    assert.strictEqual(api?.version(), "3.0.0");
    const addresses = (api?.channels().all() ?? []).map((channel) => channel.address());
    for (const { name } of topics) assert.isTrue(addresses.includes(name), name);
    assert.isTrue(addresses.includes("sluice.dead-letters.v1"));
    const messages = new Set(api?.allMessages().map((message) => message.title()));
    assert.deepStrictEqual(
      eventTypes.filter((tag) => !messages.has(tag)),
      [],
    );
    assert.strictEqual(api?.operations().all().length, flows.length);
  });
  it("names a sender for every event", () => {
    const { operations } = document("asyncapi.json");
    const sent = new Set(
      Object.values<{ action: string; messages: Array<{ $ref: string }> }>(operations)
        .filter(({ action }) => action === "send")
        .flatMap(({ messages }) => messages.map(({ $ref }) => $ref.split("/").at(-1))),
    );
    assert.deepStrictEqual(
      eventTypes.filter((tag) => !sent.has(tag)),
      [],
    );
  });
});

describe("OpenAPI", () => {
  for (const file of ["openapi.json", "openapi-gateway.json"])
    it(`${file} is a valid document of version 3.1`, async () => {
      const result = await validate(structuredClone(document(file)));
      assert.isTrue(result.valid, result.valid ? "" : compileErrors(result));
      assert.strictEqual(document(file).openapi, "3.1.0");
    });
  it("has every route of the registry with its roles", () => {
    const { paths } = document("openapi.json");
    for (const [operationId, route] of Object.entries(registryRoutes)) {
      const operation = paths[route.path.replaceAll(/:(\w+)/gu, "{$1}")]?.[route.method.toLowerCase()];
      assert.strictEqual(operation?.operationId, operationId);
      assert.deepStrictEqual(operation.security, route.permission === null ? [] : [{ bearer: [] }]);
    }
  });
});
