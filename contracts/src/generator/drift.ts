import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Drift {
  /** Files that are missing or have another text. */
  readonly drifted: ReadonlyArray<string>;
  /** Files that nothing generates any more. */
  readonly left: ReadonlyArray<string>;
}

/** What in the folder `root` is not as `files` (path and text) says. */
export const driftOf = (root: string, files: ReadonlyMap<string, string>): Drift => {
  const present = new Set(globSync("**/*.json", { cwd: root }));
  return {
    drifted: [...files.keys()].filter(
      (path) => !present.has(path) || readFileSync(join(root, path), "utf8") !== files.get(path),
    ),
    left: [...present].filter((path) => !files.has(path)).sort(),
  };
};
