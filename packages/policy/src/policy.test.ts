import { assert, describe, it } from "@effect/vitest";
import { defaultPolicy, Policy } from "@sluice/contracts";
import * as Schema from "effect/Schema";
import { explainSettings, mergeLayers } from "./layered-settings.ts";
import { looserSentence, looserSettings } from "./looser-settings.ts";

const policy = Schema.decodeUnknownSync(Policy);
const pathsOf = (written: unknown, floor: unknown) =>
  looserSettings(policy(written), policy(floor)).map(({ path }) => path);

describe("layers", () => {
  const organisation = {
    source: "organisation.yaml",
    written: {
      offline: { minCases: 100, safety: "enforce" },
      judge: { kind: "deterministic", rules: [{ rule: "json" }] },
    },
  };
  const application = { source: "sluice.yaml", written: { offline: { minCases: 200 }, whileActive: "reject" } };
  const production = {
    source: "environment production",
    written: { judge: { kind: "model", provider: "openai", model: "m", rubric: "r" } },
  };
  const layers = [organisation, application, { source: "nothing", written: undefined }, production];

  it("the last one wins, setting by setting; a choice with its kind is one setting", () =>
    assert.deepStrictEqual(mergeLayers(layers), {
      offline: { minCases: 200, safety: "enforce" },
      whileActive: "reject",
      judge: { kind: "model", provider: "openai", model: "m", rubric: "r" },
    }));
  it("each setting says where it is from", () => {
    const explained = explainSettings(policy(mergeLayers(layers)), layers);
    const sourceOf = (path: string) => explained.find((setting) => setting.path === path)?.source;
    assert.strictEqual(sourceOf("offline.minCases"), "sluice.yaml");
    assert.strictEqual(sourceOf("offline.safety"), "organisation.yaml");
    assert.strictEqual(sourceOf("offline.headline"), null);
    assert.strictEqual(sourceOf("judge.model"), "environment production");
    assert.isAbove(explained.length, 40);
  });
});

describe("looser than a floor", () => {
  it("nothing is looser than itself", () => assert.deepStrictEqual(looserSettings(defaultPolicy, defaultPolicy), []));

  const pairs: ReadonlyArray<readonly [string, unknown, unknown]> = [
    ["offline.safety", { offline: { safety: "warn" } }, {}],
    ["offline.sliceSigmas", { offline: { sliceSigmas: 3 } }, {}],
    ["offline.sliceCorrection", { offline: { sliceCorrection: "holm" } }, { offline: { sliceCorrection: "bh" } }],
    ["offline.headlineAlpha", { offline: { headlineAlpha: 0.01 } }, {}],
    ["offline.minCases", {}, { offline: { minCases: 100 } }],
    ["override.approvals", {}, { override: { approvals: 2 } }],
    ["override.incidentRequired", {}, { override: { incidentRequired: true } }],
    ["override.maxDurationSeconds", {}, { override: { maxDurationSeconds: 60 } }],
    ["shadow.enough", {}, { shadow: { enough: "both" } }],
    ["shadow.margin", { shadow: { margin: 0.1 } }, {}],
    ["canary.metrics.errorRate.ceiling", {}, { canary: { metrics: { errorRate: { ceiling: 0.05 } } } }],
    ["canary.metrics.errorRate.onBreach", { canary: { metrics: { errorRate: { onBreach: "warn" } } } }, {}],
    ["canary.metrics.quality.weight", { canary: { metrics: { quality: { weight: 0 } } } }, {}],
    [
      "canary.safetyProbes",
      {},
      { canary: { safetyProbes: { set: `sha256:${"a".repeat(64)}`, perMinute: 1, confirmations: 2 } } },
    ],
  ];
  for (const [path, written, floor] of pairs)
    it(`${path}, and not the other way round`, () => {
      assert.deepStrictEqual(pathsOf(written, floor), [path]);
      assert.deepStrictEqual(pathsOf(floor, written), []);
    });

  it("no weight but 0 is looser, and what is a matter of taste never is", () =>
    assert.deepStrictEqual(
      pathsOf(
        {
          canary: { metrics: { quality: { weight: 3 } }, windowSeconds: 5 },
          whileActive: "reject",
          shadow: { concurrency: 1 },
        },
        {},
      ),
      [],
    ));

  describe("a ramp", () => {
    const ramp = (...steps: ReadonlyArray<readonly [number, number]>) => ({
      canary: { steps: steps.map(([share, holdSeconds]) => ({ share, holdSeconds, minRequests: 100 })) },
    });
    const floor = ramp([0.01, 1_800], [0.05, 1_800], [0.25, 1_800], [1, 1_800]);
    const looser = {
      "starts with more users": ramp([0.02, 1_800], [0.05, 1_800], [0.25, 1_800], [1, 1_800]),
      "leaves a step out": ramp([0.01, 1_800], [0.25, 1_800], [1, 1_800]),
      "hurries in the middle": ramp([0.01, 1_800], [0.05, 60], [0.25, 1_800], [1, 1_800]),
    };
    for (const [name, steps] of Object.entries(looser))
      it(`that ${name} is looser`, () => assert.deepStrictEqual(pathsOf(steps, floor), ["canary.steps"]));
    it("with more steps and as much time is not, nor one that waits earlier", () => {
      const finer = ramp([0.005, 600], [0.01, 1_800], [0.02, 600], [0.05, 1_800], [0.25, 1_800], [1, 1_800]);
      const earlier = ramp([0.01, 3_600], [0.05, 1_800], [0.25, 1_800], [1, 0]);
      assert.deepStrictEqual([...pathsOf(finer, floor), ...pathsOf(earlier, floor)], []);
    });
  });

  it("is told in one sentence, with what to do", () => {
    const [setting] = looserSettings(policy({ offline: { sliceSigmas: 3 } }), defaultPolicy);
    assert.strictEqual(
      setting && looserSentence(setting, "organisation.yaml"),
      "offline.sliceSigmas is 3, looser than 2 of organisation.yaml; make it at most 2",
    );
  });
});
