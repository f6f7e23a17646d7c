import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeConfiguration } from "@sluice/contracts";
import * as Result from "effect/Result";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { CanaryControllerSettings } from "../../services/canary-controller/src/settings.ts";
import { GateSettings } from "../../services/gate/src/settings.ts";
import { GatewaySettings, Provider } from "../../services/gateway/src/settings.ts";
import { RegistrySettings } from "../../services/registry/src/settings.ts";
import { ShadowJudgeSettings } from "../../services/shadow-judge/src/settings.ts";
import { sluice } from "../support/sluice-process.ts";

// What a newcomer copies from the README and from docs/sluice-yaml.md must work as it stands there.

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFile(join(root, path), "utf8");

const folders: Array<string> = [];
const folder = async () => {
  const made = await mkdtemp(join(tmpdir(), "sluice-quickstart-"));
  folders.push(made);
  return made;
};
afterEach(async () => {
  for (const made of folders.splice(0)) await rm(made, { recursive: true, force: true });
});

/** Arguments of each `sluice` command in the fenced shell blocks of a page; what stands behind a # is a comment. */
const commandsOf = (page: string): ReadonlyArray<ReadonlyArray<string>> =>
  [...page.matchAll(/^```sh\n([\s\S]*?)^```/gmu)]
    .flatMap(([, block = ""]) => [...block.matchAll(/^npx -y pnpm@12 sluice ([^#\n]+)/gmu)])
    .map(([, args = ""]) => args.trim().split(/\s+/u));

/** The same files, wherever the command is run. */
const absolute = (args: ReadonlyArray<string>) =>
  args.map((arg) => (arg.startsWith("examples/") ? join(root, arg) : arg));

describe("the README's quickstart", () => {
  it("passes the good branch with exit code 0 and blocks the bad one with 3", async () => {
    const gates = commandsOf(await read("README.md")).filter(([verb]) => verb === "gate");
    const codes = new Map<string, number | null>();
    for (const args of gates) {
      const candidate = args[args.indexOf("--candidate") + 1] ?? "";
      codes.set(candidate, (await sluice(absolute(args))).code);
    }
    expect(Object.fromEntries(codes)).toEqual({
      "examples/quickstart/branch-good.jsonl": 0,
      "examples/quickstart/branch-bad.jsonl": 3,
    });
  });

  it("blocks for the reasons that were put in, and says which cases to look at", async () => {
    const file = (name: string) => join(root, "examples/quickstart", name);
    const { stdout } = await sluice([
      ...["gate", "--json", "--baseline", file("main.jsonl"), "--candidate", file("branch-bad.jsonl")],
      ...["--policy", file("sluice.yaml")],
    ]);
    const report = JSON.parse(stdout);
    expect(report.reasons.map(({ rule }: { rule: string }) => rule)).toEqual(["safety", "slice", "headline"]);
    expect(report.safety.regressions).toEqual(["privacy-02"]);
  });

  it("has a sluice.yaml that is valid as a whole", async () => {
    const path = "examples/quickstart/sluice.yaml";
    expect((await sluice(["policy", "validate", join(root, path)])).code).toBe(0);
    expect(Result.isSuccess(decodeConfiguration(parse(await read(path))))).toBe(true);
  });
});

describe("docs/sluice-yaml.md", () => {
  it("shows a complete example that is valid as a whole", async () => {
    const blocks = [...(await read("docs/sluice-yaml.md")).matchAll(/^```yaml\n([\s\S]*?)^```/gmu)];
    const example = blocks.map(([, block = ""]) => block).find((block) => block.includes("application:")) ?? "";
    const file = join(await folder(), "sluice.yaml");
    await writeFile(file, example);
    expect(await sluice(["policy", "validate", file])).toMatchObject({ code: 0, stderr: "" });
    const decoded = decodeConfiguration(parse(example));
    expect(Result.isSuccess(decoded) || decoded.failure.message).toBe(true);
  });

  it("lists every setting of the policy with its default, and no other", async () => {
    const file = join(await folder(), "policy.json");
    await writeFile(file, "{}");
    const { stdout } = await sluice(["policy", "explain", file, "--json"]);
    const { settings } = JSON.parse(stdout) as { settings: ReadonlyArray<{ path: string; value: unknown }> };
    const rows = [...(await read("docs/sluice-yaml.md")).matchAll(/^\| `([\w.]+)` \| `([^`]+)` \|/gmu)];
    expect(rows.map(([, path, value = ""]) => ({ path, value: JSON.parse(value) }))).toEqual(
      settings.map(({ path, value }) => ({ path, value })),
    );
  });
});

describe("the services' pages", () => {
  it.each([
    ["gate", [GateSettings]],
    ["gateway", [GatewaySettings, Provider]],
    ["shadow-judge", [ShadowJudgeSettings]],
    ["canary-controller", [CanaryControllerSettings]],
    ["registry", [RegistrySettings]],
  ])("%s names each of its settings", async (service, schemas) => {
    const page = await read(`docs/services/${service}.md`);
    const settings = schemas.flatMap(({ fields }) => Object.keys(fields));
    expect(settings.filter((setting) => !page.includes(`\`${setting}\``))).toEqual([]);
  });
});
