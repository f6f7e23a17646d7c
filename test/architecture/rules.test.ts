import { assert, describe, it } from "@effect/vitest";
import { rules, violationsOf } from "./rules.ts";
import { parseSource } from "./source.ts";
import { resolverOf } from "./workspace.ts";

// The test of the test: each rule is broken once by a small workspace that is otherwise in order.

const exports = { ".": "./src/index.ts", "./*": "./src/*.ts" };
const resolve = resolverOf(
  ["contracts", "packages/release", "packages/pager", "packages/stack", "services/gate", "services/gateway"].map(
    (folder) => ({
      folder,
      name: `@sluice/${folder.split("/").at(-1)}`,
      exports,
    }),
  ),
);

const sound = {
  "contracts/src/index.ts": `import * as Schema from "effect/Schema"; export const Digest = Schema.String;`,
  "packages/release/src/index.ts": `export * from "./apply.ts";`,
  "packages/release/src/apply.ts": `import type { Digest } from "@sluice/contracts"; import * as Result from "effect/Result"; export const apply = Result.succeed;`,
  "packages/pager/src/index.ts": `import { request } from "undici"; export const pager = request;`,
  "packages/stack/src/index.ts": `import { gateService } from "@sluice/gate"; export const stack = gateService;`,
  "services/gate/src/index.ts": `export { gateService } from "./application/gate-service.ts";`,
  "services/gate/src/application/gate-service.ts": `import { verdictOf } from "../domain/verdict-of.ts"; import { pager } from "@sluice/pager"; export const gateService = [verdictOf, pager];`,
  "services/gate/src/domain/verdict-of.ts": `import { apply } from "@sluice/release"; export const verdictOf = (at: string) => [apply, new Date(at)];`,
  "services/gateway/src/index.ts": `export const gatewayService = 1;`,
};

const broken = (changes: { readonly [path: string]: string }) => {
  const files = Object.entries({ ...sound, ...changes });
  const sources = files.map(([path, text]) => parseSource(path, text, resolve));
  return violationsOf({ sources, entries: new Set() }).map(
    ({ rule, path, sentence }) => `${rule}: ${path} ${sentence}`,
  );
};
const domain = "services/gate/src/domain/verdict-of.ts";
const importing = (specifier: string) => `import * as it from "${specifier}"; export const verdictOf = it;`;

const cases: ReadonlyArray<
  readonly [what: string, rule: string, changes: { readonly [path: string]: string }, said: RegExp]
> = [
  [
    "a domain file that imports a vendor",
    "vendors",
    { [domain]: importing("pg") },
    /verdict-of\.ts imports pg: domain code is pure/,
  ],
  [
    "one that imports only a vendor's types",
    "vendors",
    { [domain]: `import type { Pool } from "pg"; export const verdictOf = (pool: Pool) => pool;` },
    /imports pg/,
  ],
  [
    "a domain file that imports the Effect runtime",
    "vendors",
    { [domain]: importing("effect/Effect") },
    /imports effect\/Effect/,
  ],
  ["or all of Effect", "vendors", { [domain]: importing("effect") }, /imports effect:/],
  [
    "or loads it later",
    "vendors",
    { [domain]: `export const verdictOf = () => import("effect/Effect");` },
    /imports effect\/Effect/,
  ],
  ["a domain file that imports a builtin of node", "vendors", { [domain]: importing("node:fs") }, /imports node:fs/],
  [
    "a service that imports a service",
    "services apart",
    { "services/gateway/src/index.ts": importing("@sluice/gate") },
    /services\/gateway\/src\/index\.ts imports @sluice\/gate of services\/gate/,
  ],
  [
    "a test of a service that imports a service",
    "services apart",
    { "services/gateway/src/a.test.ts": importing("@sluice/gate") },
    /imports @sluice\/gate/,
  ],
  [
    "a package that imports a service",
    "services apart",
    { "packages/pager/src/index.ts": importing("@sluice/gate") },
    /packages\/pager\/src\/index\.ts imports @sluice\/gate/,
  ],
  [
    "a domain file that imports its application",
    "direction",
    { [domain]: importing("../application/gate-service.ts") },
    /\(application\)/,
  ],
  [
    "a domain file that imports a package with I/O",
    "direction",
    { [domain]: importing("@sluice/pager") },
    /imports @sluice\/pager \(package\)/,
  ],
  [
    "application code that imports an adapter",
    "direction",
    {
      "services/gate/src/application/gate-service.ts": importing("../adapters/files.ts"),
      "services/gate/src/adapters/files.ts": `import { readFile } from "node:fs/promises"; import { verdictOf } from "../domain/verdict-of.ts"; export const files = [readFile, verdictOf];`,
    },
    /imports \.\.\/adapters\/files\.ts \(adapters\)/,
  ],
  [
    "production code that imports what is for tests",
    "direction",
    {
      "services/gate/src/application/gate-service.ts": importing("@sluice/pager/testing/fake"),
      "packages/pager/src/testing/fake.ts": "export const fake = 1;",
    },
    /imports @sluice\/pager\/testing\/fake \(tests\)/,
  ],
  [
    "contracts that import something of ours",
    "direction",
    { "contracts/src/index.ts": importing("@sluice/release") },
    /imports @sluice\/release \(domain\)/,
  ],
  ["contracts that import a vendor", "vendors", { "contracts/src/index.ts": importing("ajv") }, /imports ajv/],
  [
    "statistics that import Effect",
    "vendors",
    { "packages/statistics/src/index.ts": importing("effect/Result") },
    /packages\/statistics\/src\/index\.ts imports effect\/Result/,
  ],
  [
    "domain code that looks at the clock",
    "purity",
    { [domain]: `export const verdictOf = () => Date.now();` },
    /uses Date\.now/,
  ],
  [
    "domain code that throws dice",
    "purity",
    { [domain]: `export const verdictOf = () => Math.random();` },
    /uses Math\.random/,
  ],
  [
    "a relative path into another package",
    "front doors",
    {
      "packages/stack/src/index.ts": `import { apply } from "../../release/src/apply.ts"; import { gateService } from "@sluice/gate"; export const stack = [apply, gateService];`,
    },
    /reaches into packages\/release/,
  ],
  [
    "packages that need each other",
    "no cycles",
    {
      "packages/release/src/apply.ts": importing("@sluice/pager"),
      "packages/pager/src/index.ts": importing("@sluice/release"),
    },
    /packages\/pager → packages\/release → packages\/pager/,
  ],
  [
    "an import that leads nowhere",
    "resolvable",
    { [domain]: importing("./gone.ts") },
    /there is no services\/gate\/src\/domain\/gone\.ts/,
  ],
  [
    "a file named utils",
    "names of files",
    { "packages/pager/src/string-utils.ts": "", "packages/pager/src/index.ts": importing("./string-utils.ts") },
    /says nothing/,
  ],
  [
    "a file that is not in kebab-case",
    "names of files",
    { "packages/pager/src/webHook.ts": "", "packages/pager/src/index.ts": importing("./webHook.ts") },
    /kebab-case/,
  ],
  [
    "a default export",
    "no default exports",
    { [domain]: `import { apply } from "@sluice/release"; export default apply;` },
    /default export/,
  ],
  [
    "a file that is too long",
    "small rooms",
    { [domain]: `export const verdictOf = 1;\n`.padEnd(1_000, "\n") },
    /has \d+ lines/,
  ],
  [
    "a synonym in a name",
    "one word for one thing",
    { [domain]: `export const currentVariant = 1;` },
    /says variant in currentVariant; the word is arm or bundle/,
  ],
  [
    "work left for later",
    "nothing left for later",
    { [domain]: `// TODO: the other slices\nexport const verdictOf = 1;` },
    /TODO/,
  ],
  [
    "a dead file",
    "no dead files",
    { "packages/pager/src/forgotten.ts": "export const forgotten = 1;" },
    /forgotten\.ts is imported by nothing/,
  ],
];

describe("the rules", () => {
  it("find nothing in a workspace that is in order", () => assert.deepStrictEqual(broken({}), []));
  for (const [what, rule, changes, said] of cases)
    it(`report ${what}`, () => {
      const found = broken(changes).filter((violation) => violation.startsWith(`${rule}: `));
      assert.strictEqual(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", said);
    });
  it("allow settings to be read from everywhere in a service, and a hash in the assignment", () =>
    assert.deepStrictEqual(
      broken({
        "services/gate/src/settings.ts": `import type { Digest } from "@sluice/contracts"; export const settings = 1;`,
        "services/gate/src/adapters/files.ts": importing("../settings.ts"),
        "services/gate/src/main.ts": `import { files } from "./adapters/files.ts"; import { gateService } from "./index.ts";`,
        "packages/assignment/src/index.ts": `import { createHash } from "node:crypto"; export const bucketOf = createHash;`,
      }),
      [],
    ));
  it("are each broken at least once above", () =>
    assert.deepStrictEqual(
      rules.map(({ name }) => name).filter((name) => !cases.some(([, rule]) => rule === name)),
      [],
    ));
});
