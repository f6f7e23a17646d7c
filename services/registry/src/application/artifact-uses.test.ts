import { assert, describe, it } from "@effect/vitest";
import { digestOf, timestampOf } from "@sluice/contracts";
import type { BundleChange } from "@sluice/telemetry/bundle-changes";
import { artifactUses } from "./artifact-uses.ts";

const bundle = (prompt: string) => {
  const artifacts = { prompt: digestOf(prompt), model: digestOf("model") };
  return { digest: digestOf(artifacts), artifacts };
};
const [one, two, three] = [bundle("one"), bundle("two"), bundle("three")];
const at = (minute: number) => timestampOf(Date.UTC(2026, 0, 1, 9, minute));
const change = (minute: number, type: BundleChange["type"], about: Partial<BundleChange> = {}): BundleChange => ({
  ...{ type, application: "support-bot", releaseId: null, at: at(minute), bundle: null, to: null },
  ...about,
});
const rel2 = { releaseId: "rel-2" };
const rel3 = { releaseId: "rel-3" };

/** One is registered; two completes; three breaches; an operator goes back to one. */
const history = [
  change(0, "ApplicationRegistered", { bundle: one }),
  change(1, "ReleaseRequested", { ...rel2, bundle: two }),
  change(2, "CanaryStepStarted", rel2),
  change(3, "ReleaseRequested", { ...rel3, bundle: three }),
  change(5, "ReleaseCompleted", rel2),
  change(6, "CanaryStepStarted", rel3),
  change(7, "CanaryBreached", rel3),
  change(8, "ReleaseRolledBack", rel3),
  change(9, "BaselineRolledBack", { to: one.digest }),
];
const usesOf = (digest: string, changes = history) =>
  artifactUses(digest, changes, (_, releaseId) => (releaseId === "rel-3" ? "rolled-back" : "completed"));

describe("where a bundle ran, and when", () => {
  it("tells each time that it was served, by all or by some, and until when", () => {
    const { uses, usesTotal, kind } = usesOf(one.digest);
    assert.deepStrictEqual(
      uses.map(({ cause, asBaseline }) => [cause, asBaseline?.from, asBaseline?.until]),
      [
        ["rollback", at(9), null],
        ["registered", at(0), at(5)],
      ],
    );
    assert.deepStrictEqual([usesTotal, kind], [2, null]);
    const [second] = usesOf(two.digest).uses;
    assert.deepStrictEqual(second?.asCandidate, { from: at(2), until: at(5) });
    assert.deepStrictEqual(second?.asBaseline, { from: at(5), until: at(9) });
    const [third] = usesOf(three.digest).uses;
    assert.deepStrictEqual(third?.asCandidate, { from: at(6), until: at(7) }, "until the pin, not until the rollback");
    assert.deepStrictEqual([third?.asBaseline, third?.phase], [null, "rolled-back"]);
  });

  it("tells of a part in which bundles it was, and which others of its kind there are", () => {
    const { uses, kind, versions, versionsTotal } = usesOf(two.artifacts.prompt);
    assert.deepStrictEqual(
      uses.map(({ releaseId }) => releaseId),
      ["rel-2"],
    );
    assert.strictEqual(kind, "prompt");
    assert.deepStrictEqual(
      versions.map(({ digest, releaseId }) => [digest, releaseId]),
      [
        [one.artifacts.prompt, null],
        [three.artifacts.prompt, "rel-3"],
      ],
    );
    assert.strictEqual(versionsTotal, 2);
    const model = usesOf(one.artifacts.model);
    assert.deepStrictEqual([model.uses.length, model.versions.length], [4, 0]);
  });

  it("keeps applications apart, and takes users off a stopped candidate", () => {
    const elsewhere = { application: "order-desk" };
    const stopped = [
      change(0, "ApplicationRegistered", { ...elsewhere, bundle: one }),
      change(1, "ReleaseRequested", { ...elsewhere, ...rel2, bundle: two }),
      change(2, "CanaryStepStarted", { ...elsewhere, ...rel2 }),
      ...history.slice(0, 3),
      change(4, "ReleasesStopped", elsewhere),
    ];
    const uses = usesOf(two.digest, stopped).uses;
    assert.deepStrictEqual(
      uses.map(({ application, asCandidate }) => [application, asCandidate?.until]),
      [
        ["support-bot", null],
        ["order-desk", at(4)],
      ],
    );
  });

  it("is the same to the thousandth use, says how many there are, and reads ten thousand releases at once", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => [
      change(i, "ReleaseRequested", { releaseId: `rel-${i}`, bundle: bundle(`prompt ${i}`) }),
      change(i, "CanaryStepStarted", { releaseId: `rel-${i}` }),
      change(i, "ReleaseCompleted", { releaseId: `rel-${i}` }),
    ]).flat();
    const { uses, usesTotal } = usesOf(one.artifacts.model, many);
    assert.deepStrictEqual([uses.length, usesTotal, uses[0]?.releaseId], [1_000, 10_000, "rel-9999"]);
    const { versions, versionsTotal } = usesOf(bundle("prompt 7").artifacts.prompt, many);
    assert.deepStrictEqual([versions.length, versionsTotal], [1_000, 9_999]);
  });
});
