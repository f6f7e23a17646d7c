import { assert, describe, it } from "@effect/vitest";
import { layerOf } from "./layers.ts";
import { rules, violationsOf } from "./rules.ts";
import { readWorkspace } from "./workspace.ts";

const workspace = readWorkspace();
const violations = violationsOf(workspace);

describe("the architecture", () => {
  for (const { name, reason } of rules)
    it(`${name}: ${reason}`, () =>
      assert.deepStrictEqual(
        violations.filter(({ rule }) => rule === name).map(({ path, sentence }) => `${path} ${sentence}`),
        [],
      ));
  it("every source has its place in the layers", () =>
    assert.deepStrictEqual(
      workspace.sources.filter(({ path }) => layerOf(path) === null).map(({ path }) => path),
      [],
    ));
  it("the rules have looked at something in every layer", () => {
    const seen = new Set(workspace.sources.map(({ path }) => layerOf(path)));
    for (const layer of ["contracts", "statistics", "domain", "application", "adapters", "main", "package"] as const)
      assert.isTrue(seen.has(layer), layer);
  });
});
