import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { environmentFaults } from "../support/environment-faults.ts";

const root = join(import.meta.dirname, "../..");

interface Mounted {
  readonly source: string;
  readonly target: string;
}
interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly environment: Readonly<Record<string, string | null>>;
        readonly configs?: ReadonlyArray<Mounted>;
        readonly secrets?: ReadonlyArray<string>;
      }
    >
  >;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
}
const compose: Compose = parse(readFileSync(join(root, "docker-compose.yml"), "utf8"), { merge: true });

/** As `.env` sets them. */
const dotEnv: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: "p",
  CLICKHOUSE_PASSWORD: "c",
  SLUICE_PROBE_KEY: "k",
  OPENAI_API_KEY: "o",
};
const expanded = (text: string) =>
  text.replaceAll(/\$\{(\w+)(?::[-?]([^}]*))?\}/g, (_all, name: string, or = "") => dotEnv[name] ?? or);

it.each(["registry", "gateway", "gate", "shadow-judge", "canary-controller"])(
  "docker-compose.yml gives %s an environment that it takes, and every file that it names",
  async (name) => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-compose-"));
    try {
      writeFileSync(join(folder, "tokens"), "[]");
      const { environment, configs = [], secrets = [] } = compose.services[name] ?? expect.fail(`there is no ${name}`);
      const mounted = new Map([
        ...configs.map(({ source, target }) => [target, join(root, compose.configs[source]?.file ?? "")] as const),
        ...secrets.map((secret) => [`/run/secrets/${secret}`, join(folder, secret)] as const),
      ]);
      const given = Object.entries(environment).flatMap(([variable, value]) => {
        const set = value === null ? dotEnv[variable] : expanded(String(value));
        return set === undefined ? [] : [[variable, mounted.get(set) ?? set] as const];
      });
      expect(await environmentFaults(name, Object.fromEntries(given))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
