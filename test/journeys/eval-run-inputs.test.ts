import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sluice } from "../support/sluice-process.ts";

// Whatever is wrong with the input is one sentence and exit code 2, before anything is sent: there is nobody to send it to.

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-inputs-"));
  const write = (file: string, content: string) => writeFile(join(folder, file), content);
  await write(
    "sluice.yaml",
    "version: 1\napplication: shop\nteam: shop\nevalSet: cases.jsonl\nbundle:\n  prompt: [{ role: system, content: Sell. }]\n  model: { provider: openai, model: m }\n",
  );
  await write("cases.jsonl", '{"case_id":"a","input":"x","expected":"y"}\n{"case_id":"b","input":"x","expected":"y"}');
  await write(
    "judged.jsonl",
    '{"case_id":"a","input":"x","scorer":{"kind":"judge","rubric":"r","provider":"p","model":"m"}}',
  );
  await write("prices.yaml", "currency: USD\nmodels: { m: { input_per_million: 1000, output_per_million: 1000 } }");
  await write("broken-prices.yaml", "currency: dollars\nmodels: {}");
  await write("providers.json", '{"openai":{"baseUrl":"http://127.0.0.1:1/v1","apiKeyEnv":"SLUICE_TEST_NO_SUCH_KEY"}}');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nobody = ["--endpoint", "http://127.0.0.1:1/v1"];
const out = ["--out", "OUT/results.jsonl"];

it.concurrent.each([
  [[...nobody], /^sluice: --out is missing; name the file/u],
  [[...out], /^sluice: bundle\.model\.provider is openai, and --providers names none; add it there/u],
  [[...out, ...nobody, "--concurrency", "0"], /^sluice: --concurrency is 0; give a number from 1 to 256$/mu],
  [[...out, ...nobody, "--command", "cat"], /^sluice: --command and --endpoint exclude each other/u],
  [
    [...out, ...nobody, "--baseline-config", "x.yaml"],
    /^sluice: give --baseline-config or --baseline-registry together/u,
  ],
  [[...out, "--providers", "OUT/providers.json"], /SLUICE_TEST_NO_SUCH_KEY is not set; it holds the key of openai$/mu],
  [
    [...out, ...nobody, "--eval-set", "OUT/judged.jsonl"],
    /case a: its judge's provider is p, and --providers names none/u,
  ],
  [
    [...out, ...nobody, "--max-cost", "1"],
    /^sluice: --max-cost cannot be kept: the price of the candidate's model is not known/u,
  ],
  [
    [...out, ...nobody, "--prices", "OUT/broken-prices.yaml"],
    /^sluice: --prices \S+: currency is "dollars"; expected .*three letters/u,
  ],
  [
    [...out, ...nobody, "--max-cost", "0.1", "--prices", "OUT/prices.yaml"],
    /^sluice: --max-cost is 0\.1, and the run is estimated at 0\.\d+ USD; raise it or use fewer cases$/mu,
  ],
  [
    ["--out", "OUT/no/such/folder.jsonl", ...nobody],
    /^sluice: \S+ cannot be written; name a file in a directory that exists$/mu,
  ],
] as const)("%j is refused in one sentence", async (args, sentence) => {
  const given = args.map((arg) => arg.replace("OUT", folder));
  // Of its own: the runs go side by side, and one would wait for another's lock and say so.
  const cache = await mkdtemp(join(folder, "cache-"));
  const shared = ["--config", join(folder, "sluice.yaml"), "--cache", cache];
  const ended = await sluice(["eval", "run", ...shared, ...given]);
  expect([ended.code, ended.stdout, ended.stderr]).toEqual([2, "", expect.stringMatching(sentence)]);
  expect(ended.stderr.split("\n").filter((line) => line.startsWith("sluice: "))).toHaveLength(1);
});
