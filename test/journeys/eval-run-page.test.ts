import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { sluice } from "../support/sluice-process.ts";

it("docs/eval-run.md names every flag of sluice eval run, and no other", async () => {
  const page = await readFile(new URL("../../docs/eval-run.md", import.meta.url), "utf8");
  const { stdout } = await sluice(["eval", "run", "--help"]);
  const [, flags = ""] = stdout.match(/^FLAGS\n([\s\S]*?)\n\n/mu) ?? [];
  const known = [...flags.matchAll(/^ {2}--([\w-]+)/gmu)].map(([, name]) => name);
  const named = new Set([...page.matchAll(/`--([\w-]+)/gu)].map(([, name]) => name));
  expect([...named].sort()).toEqual(known.sort());
});
