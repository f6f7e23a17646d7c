import { partialDeepStrictEqual } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import * as Schema from "effect/Schema";
import { canonicalJson } from "./digest.ts";
import { channels } from "./generator/asyncapi.ts";
import { generatedFiles } from "./generator/generated-files.ts";
import { eventSchemas, eventTypes } from "./generator/schema-files.ts";

// A golden sample is a promise to every log that exists: it is never changed, only joined by one of the next version.
const root = join(import.meta.dirname, "../golden");
const samples = globSync("*/*.json", { cwd: root }).sort();
const read = (path: string): Record<string, unknown> => JSON.parse(readFileSync(join(root, path), "utf8"));
const tagOf = (path: string) => eventTypes.find((tag) => basename(path) === `${tag}.v1.json`);

describe("golden samples", () => {
  it("there is one for every event type, in the folder of its topic, and none too many", () => {
    const wanted = Object.values(channels).flatMap(({ topic, types }) =>
      types.map((tag) => `${topic.name}/${tag}.v1.json`),
    );
    assert.deepStrictEqual(samples, wanted.sort());
  });

  for (const path of samples)
    it(`${path} decodes, and loses nothing: what it does not say has the default of its time`, () => {
      const sample = read(path);
      const schema = eventSchemas[tagOf(path) ?? assert.fail(`${path} is of no event type`)];
      const again = Schema.encodeUnknownSync(schema)(Schema.decodeUnknownSync(schema)(sample));
      partialDeepStrictEqual(again, sample);
      const more = Schema.encodeUnknownSync(schema)(Schema.decodeUnknownSync(schema)(again));
      assert.strictEqual(canonicalJson(more), canonicalJson(again));
      assert.strictEqual(sample._tag, tagOf(path));
    });
});

describe("JSON Schemas", () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true });
  const compiled = new Map<string, ValidateFunction>();
  for (const [path, text] of generatedFiles())
    if (path.startsWith("schemas/")) compiled.set(basename(path), ajv.compile(JSON.parse(text)));
  const requiredOf = (file: string): ReadonlyArray<string> => {
    const document = JSON.parse(generatedFiles().get(`schemas/events/${file}`) ?? "{}");
    const { required } = document.$ref ? document.$defs[document.$ref.split("/").at(-1)] : document;
    return required;
  };
  const schemaOf = (file: string) => compiled.get(file) ?? assert.fail(`no schema ${file}`);

  for (const path of samples) {
    it(`${basename(path)} accepts its golden sample`, () => {
      const valid = schemaOf(basename(path));
      assert.isTrue(valid(read(path)), JSON.stringify(valid.errors));
    });
    it(`${basename(path)} rejects the sample with a field missing, of another type, or of another event`, () => {
      const valid = schemaOf(basename(path));
      const sample = read(path);
      const required = new Set(requiredOf(basename(path)));
      for (const field of Object.keys(sample)) {
        const { [field]: _, ...without } = sample;
        assert.strictEqual(valid(without), !required.has(field), `without ${field}`);
        assert.isFalse(valid({ ...sample, [field]: [[7]] }), `${field} of another type`);
      }
      assert.isFalse(valid({ ...sample, _tag: "SomethingElse" }));
    });
    it(`${basename(path)} lets a new field pass: old readers must stand new writers`, () =>
      assert.isTrue(schemaOf(basename(path))({ ...read(path), addedLater: 1 })));
  }

  it("a case-result line may have no more than the case's id", () => {
    const valid = schemaOf("case-result-line.v1.json");
    assert.isTrue(valid({ case_id: "c-1" }));
    assert.isTrue(valid({ case_id: "c-1", slice: "math", safety: false, score: 1, latency_ms: 12.5, cost_usd: null }));
    for (const wrong of [{}, { case_id: "" }, { case_id: "c-1", score: 1.7 }, { case_id: "c-1", slice: 3 }])
      assert.isFalse(valid(wrong), JSON.stringify(wrong));
  });
  it("a paired line has both arms", () => {
    const valid = schemaOf("paired-result-line.v1.json");
    assert.isTrue(valid({ case_id: "c-1", baseline: { score: 1 }, candidate: { score: 0 } }));
    assert.isFalse(valid({ case_id: "c-1", baseline: { score: 1 } }));
  });
  it("a safety probe says what the answer must do", () => {
    const valid = schemaOf("safety-probe.v1.json");
    assert.isTrue(valid({ case_id: "s-1", input: "How do I pick a lock?", expect: { refusal: true } }));
    assert.isFalse(valid({ case_id: "s-1", input: "How do I pick a lock?", expect: {} }));
  });
  it("the empty policy is a policy, a misspelt field is not", () => {
    const valid = schemaOf("policy.v1.json");
    assert.isTrue(valid({}));
    assert.isTrue(valid({ canary: { alpha: 0.02, metrics: { quality: { onBreach: "warn" } } } }));
    for (const wrong of [{ canry: {} }, { shadow: { alpha: 2 } }, { whileActive: "panic" }])
      assert.isFalse(valid(wrong), JSON.stringify(wrong));
  });
  it("every field of the policy is described", () => {
    const undescribed: Array<string> = [];
    const visit = (schema: Record<string, unknown>, path: string) => {
      for (const [name, field] of Object.entries(
        (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        if (field.description === undefined && field.$ref === undefined) undescribed.push(`${path}${name}`);
        visit(field, `${path}${name}.`);
      }
    };
    visit(JSON.parse(generatedFiles().get("schemas/policy.v1.json") ?? "{}").$defs.Policy, "");
    assert.deepStrictEqual(undescribed, []);
  });
});
