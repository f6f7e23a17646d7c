import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { parseSource, type Resolve, type Source } from "./source.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const glob = (patterns: ReadonlyArray<string>) =>
  globSync([...patterns], { cwd: root, exclude: ["**/node_modules/**"] })
    .map((path) => path.replaceAll("\\", "/"))
    .sort();

interface Manifest {
  readonly folder: string;
  readonly name: string;
  readonly exports: { readonly [entry: string]: string };
}

/** Follows relative paths and the `exports` of our own packages; whether the file is there is another rule's question. */
export const resolverOf = (manifests: ReadonlyArray<Manifest>): Resolve => {
  const byName = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  return (from, specifier) => {
    if (specifier.startsWith(".")) return posix.normalize(posix.join(posix.dirname(from), specifier));
    const [scope, name, ...rest] = specifier.split("/");
    const manifest = byName.get(`${scope}/${name}`);
    if (!manifest) return null;
    const entry = rest.length === 0 ? "." : `./${rest.join("/")}`;
    const exact = manifest.exports[entry];
    if (exact) return posix.join(manifest.folder, exact);
    const wildcards = Object.entries(manifest.exports).filter(([key]) => key.endsWith("/*"));
    const longest = wildcards
      .filter(([key]) => entry.startsWith(key.slice(0, -1)))
      .sort(([a], [b]) => b.length - a.length)[0];
    if (!longest) return null;
    return posix.join(manifest.folder, longest[1].replace("*", entry.slice(longest[0].length - 1)));
  };
};

/** All our sources, and the files that something other than an import starts: scripts, binaries, workers. */
export const readWorkspace = (): { readonly sources: ReadonlyArray<Source>; readonly entries: ReadonlySet<string> } => {
  const manifestFiles = glob(["package.json", "{services,packages}/*/package.json", "{contracts,test}/package.json"]);
  const manifests = manifestFiles.map((path): Manifest & { readonly text: string } => {
    const text = read(path);
    return { folder: posix.dirname(path), exports: {}, ...JSON.parse(text), text };
  });
  const resolve = resolverOf(manifests);
  const paths = glob(["{services,packages,contracts,test}/**/*.{ts,tsx}"]);
  const sources = paths.map((path) => parseSource(path, read(path), resolve));
  const named = (folder: string, text: string) =>
    [...text.matchAll(/["'\s(]((?:\.{0,2}\/?)[\w./-]+\.tsx?)\b/gu)].map(([, path]) =>
      posix.normalize(posix.join(folder, path ?? "")),
    );
  const others = glob([".ci/*", "infra/**/*.{yml,yaml,sh}", "infra/**/Dockerfile*", "docker-compose.yml"]);
  const pages = glob(["packages/*/index.html"]);
  const entries = new Set([
    ...pages.flatMap((path) => named(dirname(path), read(path))),
    ...manifests.flatMap(({ folder, text }) => named(folder, text)),
    ...others.flatMap((path) => named(".", read(path))),
    // A file that is started as a worker or a process is named by its path in the code.
    ...sources.flatMap(({ path, code }) => named(dirname(path), code.replaceAll(/^(?:import|export).*$/gmu, ""))),
  ]);
  return { sources, entries };
};
