import { assert, describe, it } from "@effect/vitest";
import { personOf } from "@sluice/release";
import * as Result from "effect/Result";
import { type Rule, ruleFor, type WorkflowClaims, workflowAuthorId } from "./workflow-identity.ts";

const claims: WorkflowClaims = {
  repository: "acme/shop",
  repositoryOwnerId: "42",
  ref: "refs/heads/main",
  actor: "Octocat",
  environment: null,
};
const rule: Rule = {
  repository: "acme/*",
  repositoryOwnerId: null,
  branches: ["main"],
  environment: null,
  team: "shop",
};

describe("the rules for workflows", () => {
  const allowed: ReadonlyArray<Partial<WorkflowClaims & Rule>> = [
    {},
    { repository: "acme/shop" },
    { repositoryOwnerId: "42" },
    { branches: ["release/*", "main"] },
    { environment: "production" },
  ];
  for (const changed of allowed)
    it(`let in ${JSON.stringify(changed)}`, () =>
      assert.isTrue(Result.isSuccess(ruleFor([{ ...rule, ...changed }], { ...claims, ...changed }))));
  const refused: ReadonlyArray<readonly [string, Partial<WorkflowClaims>, Partial<Rule>]> = [
    ["another owner", { repository: "evil/shop" }, {}],
    ["an owner that only begins so", { repository: "acme-evil/shop" }, {}],
    ["a repository that a single star does not span", { repository: "acme/shop/deep" }, {}],
    ["an owner's name that was taken again", { repositoryOwnerId: "43" }, { repositoryOwnerId: "42" }],
    ["another branch", { ref: "refs/heads/main-evil" }, {}],
    ["a pull request", { ref: "refs/pull/1/merge" }, {}],
    ["a tag of the branch's name", { ref: "refs/tags/main" }, {}],
    ["a dot that is no wildcard", { repository: "acme/shopx" }, { repository: "acme/sho." }],
    ["no environment where one is asked for", { environment: null }, { environment: "production" }],
  ];
  for (const [name, claim, changed] of refused)
    it(`refuse ${name}`, () => {
      const answer = ruleFor([{ ...rule, ...changed }], { ...claims, ...claim });
      assert.isTrue(Result.isFailure(answer));
    });
  it("say what they do not allow", () => {
    const answer = ruleFor([rule], { ...claims, ref: "refs/heads/evil" });
    assert.deepStrictEqual(
      answer,
      Result.fail("no rule lets repository acme/shop at refs/heads/evil in; add one to the OIDC rules"),
    );
  });
});

describe("the person behind an author", () => {
  it("is who started the workflow, whatever the branch is called", () => {
    assert.strictEqual(workflowAuthorId(claims), "github:acme/shop@main:Octocat");
    assert.strictEqual(personOf(workflowAuthorId({ ...claims, ref: "refs/heads/a:b" })), "octocat");
    const long = workflowAuthorId({ ...claims, ref: `refs/heads/${"long/".repeat(48)}` });
    assert.strictEqual(long.length, 200);
    assert.strictEqual(personOf(long), "octocat");
  });
  it("is the name that a token was made out to", () => {
    assert.strictEqual(personOf("Octocat"), personOf("github:octocat"));
    assert.notStrictEqual(personOf("ada"), personOf("grace"));
  });
});
