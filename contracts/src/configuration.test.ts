import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { decodeConfiguration } from "./configuration.ts";

const smallest = {
  version: 1,
  application: "support-bot",
  team: "support",
  bundle: { promptFile: "prompts/support.md", model: { provider: "openai", model: "gpt-4.1-mini" } },
};
const faultOf = (configuration: unknown): string => {
  const decoded = decodeConfiguration(configuration);
  return Result.isFailure(decoded) ? decoded.failure.message : "no fault";
};

describe("sluice.yaml", () => {
  it("needs an application, a team and a bundle; the policy has defaults", () => {
    const decoded = Result.getOrThrow(decodeConfiguration({ ...smallest, policy: { shadow: { alpha: 0.02 } } }));
    assert.strictEqual(decoded.policy?.shadow.alpha, 0.02);
    assert.strictEqual(decoded.policy?.canary.steps.length, 4);
    assert.strictEqual(faultOf(smallest), "no fault");
  });
  it("names a misspelt field, wherever it is", () => {
    assert.match(faultOf({ ...smallest, aplication: "x" }), /aplication/);
    assert.match(faultOf({ ...smallest, policy: { canary: { stps: [] } } }), /policy.*canary.*stps/s);
    assert.match(faultOf({ ...smallest, bundle: { ...smallest.bundle, temperature: 0 } }), /bundle.*temperature/s);
  });
  it("names every fault at once", () => {
    const faults = faultOf({ ...smallest, version: 2, application: "Support Bot" });
    assert.match(faults, /version/);
    assert.match(faults, /application/);
  });
  it("wants one prompt, and not two", () => {
    const { promptFile, ...bundle } = smallest.bundle;
    assert.match(faultOf({ ...smallest, bundle }), /either prompt or promptFile/);
    const both = { ...smallest.bundle, prompt: [{ role: "system", content: "Be brief." }] };
    assert.match(faultOf({ ...smallest, bundle: both }), /either prompt or promptFile/);
    assert.isString(promptFile);
  });
});
