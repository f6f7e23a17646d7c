import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { digestOf } from "./digest.ts";
import { defaultPolicy, Policy, policyDigest } from "./policy.ts";

const policy = Schema.decodeUnknownSync(Policy);

describe("the digest of a policy", () => {
  it("is of what differs from the defaults: said or left out, a default is the same", () => {
    assert.strictEqual(policyDigest(defaultPolicy), digestOf({}));
    const said = policy({ offline: { minCases: 10, headlineAlpha: 0.01 }, whileActive: "queue" });
    assert.strictEqual(policyDigest(said), digestOf({ offline: { headlineAlpha: 0.01 } }));
  });
  it("differs for every difference", () => {
    const some = [
      {},
      { judge: { kind: "deterministic", rules: [{ rule: "json" }] } },
      { judge: { kind: "model", provider: "p", model: "m", rubric: "r" } },
      { judge: { kind: "model", provider: "p", model: "m", rubric: "r", timeoutMs: 1 } },
      { canary: { metrics: { errorRate: { ceiling: 0.1 } } } },
      { canary: { metrics: { refusalRate: { ceiling: 0.1 } } } },
      { override: { maxDurationSeconds: 60 } },
    ].map((input) => policyDigest(policy(input)));
    assert.strictEqual(new Set(some).size, some.length);
  });
});
