import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

interface Candidate {
  readonly name: string;
  /** Throws when it is not there. */
  readonly find: () => Promise<{ readonly path: string; readonly env?: Readonly<Record<string, string>> }>;
}

const caches = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));

/** Brings its own system libraries and fonts, so that it runs on a bare server. */
const packaged = async () => {
  if (platform() !== "linux" || arch() !== "x64") throw new Error("is for Linux on x64");
  const manifest = fileURLToPath(import.meta.resolve("@sparticuz/chromium")).replace(/build\/.*$/u, "package.json");
  const folder = join(caches, `chromium-${JSON.parse(readFileSync(manifest, "utf8")).version}`);
  if (!existsSync(folder)) await unpack(folder);
  const env = { LD_LIBRARY_PATH: join(folder, "al2023", "lib"), FONTCONFIG_PATH: folder };
  return { path: join(folder, "chromium"), env };
};

/** Complete or not there at all: several test files may begin at the same time. */
const unpack = async (folder: string) => {
  mkdirSync(caches, { recursive: true });
  const unfinished = mkdtempSync(join(caches, "chromium-unfinished-"));
  // The package unpacks into the temporary directory, and its libraries only where it takes the place for a Lambda.
  const script = `process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
    const { default: chromium } = await import("@sparticuz/chromium");
    chromium.setGraphicsMode = false;
    await chromium.executablePath();`;
  execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: unfinished },
  });
  const directories = [join(folder, "fonts"), "/usr/share/fonts"].map((path) => `<dir>${path}</dir>`).join("");
  writeFileSync(
    join(unfinished, "fonts.conf"),
    `<fontconfig>${directories}<cachedir>${join(folder, "fonts-cache")}</cachedir></fontconfig>`,
  );
  try {
    renameSync(unfinished, folder);
  } catch {
    rmSync(unfinished, { recursive: true, force: true });
  }
};

const installed = (path: string): Candidate => ({
  name: path,
  find: async () => {
    if (!existsSync(path)) throw new Error("is not there");
    return { path };
  },
});

const candidates: ReadonlyArray<Candidate> = [
  ...(process.env.CHROMIUM_PATH ? [installed(process.env.CHROMIUM_PATH)] : []),
  { name: "@sparticuz/chromium", find: packaged },
  ...["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(installed),
];

/** The first Chromium that starts, or why none does. In CI that is a failure: there the tests have to run. */
export const openBrowser = async (): Promise<Browser | string> => {
  const reasons: Array<string> = [];
  for (const { name, find } of candidates) {
    try {
      const { path, env } = await find();
      const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
      return await chromium.launch({ executablePath: path, args, env: { ...process.env, LANG: "C.UTF-8", ...env } });
    } catch (cause) {
      reasons.push(`${name} ${String(cause instanceof Error ? cause.message : cause).split("\n", 1)[0]}`);
    }
  }
  const reason = `no Chromium starts: ${reasons.join("; ")}`;
  if (process.env.CI) throw new Error(reason);
  return reason;
};
