import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { explainSettings } from "@sluice/policy";
import * as Effect from "effect/Effect";
import { afterAll } from "vitest";
import { Exit } from "./exit.ts";
import { type RulesOptions, readRules } from "./rules-file.ts";

const root = mkdtempSync(join(tmpdir(), "sluice-rules-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let serial = 0;

/** A repository of its own with these files, `sluice.yaml` among them. */
const repository = (files: Readonly<Record<string, string>>) => {
  serial += 1;
  const directory = join(root, String(serial));
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return (name: string) => join(directory, name);
};
const read = (files: Readonly<Record<string, string>>, options: RulesOptions = {}) =>
  readRules(repository(files)("sluice.yaml"), options);
const faultOf = (files: Readonly<Record<string, string>>, options: RulesOptions = {}) =>
  Effect.map(Effect.flip(read(files, options)), (exit) => {
    assert.instanceOf(exit, Exit);
    assert.strictEqual(exit.code, 2);
    return (exit.sentence ?? "").replaceAll(root, "");
  });

const organisation = "version: 1\npolicy:\n  offline: { minCases: 100 }\n  override: { approvals: 2 }\n";
const application = (more: string) => `application: support-bot\nextends: organisation.yaml\n${more}`;

describe("rules in layers", () => {
  it.effect("organisation, application, environment: the last one wins, and each value says where it is from", () =>
    Effect.gen(function* () {
      const files = {
        "organisation.yaml": organisation,
        "sluice.yaml": application(
          "policy:\n  offline: { minCases: 150 }\nenvironments:\n  staging:\n    policy: { offline: { minCases: 5 } }\n  production:\n    policy: { shadow: { minPairs: 900 } }\n",
        ),
      };
      const inProduction = yield* read(files);
      assert.strictEqual(inProduction.environment, "production");
      assert.deepStrictEqual(
        [
          inProduction.policy.offline.minCases,
          inProduction.policy.override.approvals,
          inProduction.policy.shadow.minPairs,
        ],
        [150, 2, 900],
      );
      const sources = explainSettings(inProduction.policy, inProduction.layers).map(({ path, source }) => [
        path,
        source?.replace(/\S*\//u, "") ?? null,
      ]);
      for (const wanted of [
        ["offline.minCases", "sluice.yaml"],
        ["override.approvals", "organisation.yaml"],
        ["shadow.alpha", null],
      ])
        assert.deepInclude(sources, wanted);
      const inStaging = yield* read(files, { environment: "staging" });
      assert.strictEqual(inStaging.policy.offline.minCases, 5);
      assert.strictEqual(inStaging.policy.shadow.minPairs, 200);
    }),
  );

  it.effect("an organisation's file may also be named from outside, and redaction comes with it", () =>
    Effect.gen(function* () {
      const at = repository({
        "central.yaml": `${organisation}results:\n  redact: [{ pattern: "order [0-9]+", replacement: "order" }]\n`,
        "sluice.yaml": "application: support-bot\n",
      });
      const { policy, results } = yield* readRules(at("sluice.yaml"), { organisation: at("central.yaml") });
      assert.strictEqual(policy.override.approvals, 2);
      assert.lengthOf(results.redact, 1);
    }),
  );

  it.effect("production may be no looser than the organisation, wherever it is said", () =>
    Effect.gen(function* () {
      const inApplication = {
        "organisation.yaml": organisation,
        "sluice.yaml": application("policy: { override: { approvals: 1 } }\n"),
      };
      assert.match(
        yield* faultOf(inApplication),
        /sluice\.yaml: in production, override\.approvals is 1, looser than 2 of \S+organisation\.yaml; make it at least 2$/u,
      );
      // Also when it is not production that is asked for: the file is wrong.
      const inEnvironment = application(
        "environments:\n  staging: {}\n  production: { policy: { offline: { minCases: 20, safety: warn } } }\n",
      );
      const sentence = yield* faultOf(
        { "organisation.yaml": organisation, "sluice.yaml": inEnvironment },
        { environment: "staging" },
      );
      assert.match(sentence, /offline\.minCases is 20, looser than 100/u);
      assert.match(sentence, /offline\.safety is "warn", looser than "enforce"/u);
    }),
  );

  it.effect("nor than any other environment", () =>
    Effect.gen(function* () {
      const files = {
        "sluice.yaml": "application: a\nenvironments:\n  staging: { policy: { shadow: { enough: both } } }\n",
      };
      assert.match(yield* faultOf(files), /shadow\.enough is "either", looser than "both" of environment staging/u);
    }),
  );

  const faults: ReadonlyArray<readonly [string, string, RulesOptions, RegExp]> = [
    [
      "an environment that is not there",
      "application: a\n",
      { environment: "qa" },
      /--environment is qa, which \S+ does not name: it has none/u,
    ],
    [
      "an organisation's file outside",
      "extends: ../x.yaml\n",
      {},
      /extends is \.\.\/x\.yaml; name a file in the directory/u,
    ],
    ["an organisation's file that is missing", "extends: x.yaml\n", {}, /x\.yaml: cannot be read \(ENOENT\)/u],
    [
      "a misspelt key of an environment",
      "environments: { staging: { polcy: {} } }\n",
      {},
      /environments\.staging\.polcy is no setting/u,
    ],
    [
      "a wrong value in an environment",
      "environments: { staging: { policy: { shadow: { alpha: 2 } } } }\n",
      {},
      /environments\.staging\.policy\.shadow\.alpha is 2/u,
    ],
    ["an environment's name", "environments: { 'Pro duction': {} }\n", {}, /Pro duction/u],
  ];
  for (const [name, text, options, sentence] of faults)
    it.effect(`${name} is one sentence`, () =>
      Effect.map(faultOf({ "sluice.yaml": text }, options), (said) => assert.match(said, sentence)),
    );
});
