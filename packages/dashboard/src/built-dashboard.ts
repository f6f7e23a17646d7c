import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { packageFolder, sourceDigest } from "./source-digest.ts";

export interface DashboardFile {
  readonly content: Buffer;
  readonly mediaType: string;
  /** Its name changes with its content, so it may be kept for ever. */
  readonly immutable: boolean;
}

const mediaTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The dashboard's files by path (`/`, `/assets/…`). What was not built from the present sources is built now, by a process of
 * its own, because the bundler's memory should not stay with a service; that takes a second or two, once. Fails with a
 * sentence when it cannot be built, such as in an image that neither holds the built files nor the bundler.
 */
export const builtDashboard = async (): Promise<ReadonlyMap<string, DashboardFile>> => {
  const folder = join(packageFolder, "dist", sourceDigest());
  return (await filesIn(folder)) ?? (await buildThenRead(folder));
};

const buildThenRead = async (folder: string) => {
  try {
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, "build.ts")]);
  } catch (cause) {
    const detail = String((cause as { stderr?: unknown }).stderr ?? cause).slice(0, 2_000);
    throw new Error(`the dashboard cannot be built; run node packages/dashboard/src/build.ts to see why: ${detail}`);
  }
  const files = await filesIn(folder);
  if (files) return files;
  throw new Error("the dashboard's sources changed while it was built; ask again");
};

const filesIn = async (folder: string): Promise<ReadonlyMap<string, DashboardFile> | undefined> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (!entries) return undefined;
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const path = join(parentPath, name).slice(folder.length).replaceAll("\\", "/");
        const file: DashboardFile = {
          content: await readFile(join(parentPath, name)),
          mediaType: mediaTypes[extname(name)] ?? "application/octet-stream",
          immutable: path.startsWith("/assets/"),
        };
        return [path === "/index.html" ? "/" : path, file] as const;
      }),
    ),
  );
};
