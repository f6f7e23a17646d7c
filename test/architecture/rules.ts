import { layerOf, layers, packageOf, vendorExceptions } from "./layers.ts";
import type { Source } from "./source.ts";

export interface Violation {
  readonly rule: string;
  readonly path: string;
  readonly sentence: string;
}

interface Workspace {
  readonly sources: ReadonlyArray<Source>;
  readonly entries: ReadonlySet<string>;
}

interface Rule {
  readonly name: string;
  readonly reason: string;
  /** What is wrong, as [path, what]. */
  readonly find: (workspace: Workspace) => Iterable<readonly [string, string]>;
}

const each = (look: (source: Source) => Iterable<string>) =>
  function* ({ sources }: Workspace): Iterable<readonly [string, string]> {
    for (const source of sources) for (const what of look(source)) yield [source.path, what];
  };
const isTest = (path: string) => layerOf(path) === "tests";

/** Impure things that no import brings. A `new Date(value)` is a conversion and allowed. */
const ambient =
  /\b(?:Date\.now|performance\.now|Math\.random|randomUUID|setTimeout|setInterval|queueMicrotask|fetch)\s*\(|\bnew Date\(\)|\bprocess\.|\bconsole\./gu;

/** Words of the glossary's last column, where they are one word and never right. Names only: sentences may need them. */
const synonyms: { readonly [banned: string]: string } = {
  rollout: "release",
  deployment: "release",
  experiment: "release",
  variant: "arm or bundle",
  treatment: "candidate",
  rating: "judgement",
  bake: "hold",
  rejected: "refused",
};
/** Where the words of another protocol, or of the literature, are right. */
const foreignNames = /\/(?:ofrep|openfeature)|^packages\/statistics\//u;
const wordsOf = (name: string) => name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/u).map((word) => word.toLowerCase());

/** Longer than this and not split: each with the reason why. */
const longFiles: { readonly [path: string]: string } = {};
const MAX_LINES = 400;

export const rules: ReadonlyArray<Rule> = [
  {
    name: "direction",
    reason: "main → adapters → application → domain → contracts, statistics",
    find: each(function* ({ path, imports }) {
      const layer = layerOf(path);
      if (layer === null || layer === "tests") return;
      const { mayImport, reason } = layers[layer];
      for (const { file, specifier } of imports) {
        const other = file === null ? null : layerOf(file);
        if (other !== null && !mayImport.includes(other)) yield `imports ${specifier} (${other}): ${reason}`;
      }
    }),
  },
  {
    name: "vendors",
    reason: "the heart depends on nothing that changes for reasons of its own",
    find: each(function* ({ path, imports }) {
      const layer = layerOf(path);
      if (layer === null || layer === "tests") return;
      const { vendors, reason } = layers[layer];
      for (const { file, specifier, typeOnly } of imports) {
        const erased = typeOnly && specifier.startsWith("effect");
        const isExcepted = vendorExceptions.some(({ place, vendor }) => place.test(path) && vendor.test(specifier));
        if (file === null && vendors && !vendors.test(specifier) && !erased && !isExcepted)
          yield `imports ${specifier}: ${reason}`;
      }
    }),
  },
  {
    name: "purity",
    reason: "the clock, chance and the world enter domain code as data",
    find: each(function* ({ path, code }) {
      if (["domain", "statistics"].includes(layerOf(path) ?? ""))
        for (const [call] of code.matchAll(ambient)) yield `uses ${call.replace(/\s*\($/u, "")}`;
    }),
  },
  {
    name: "services apart",
    reason: "services communicate only through typed events, so that each can be run, replaced and stopped alone",
    find: each(function* ({ path, imports }) {
      for (const { file, specifier } of imports)
        if (file?.startsWith("services/") && packageOf(file) !== packageOf(path)) {
          const isComposed = packageOf(path) === "packages/stack" || packageOf(path) === "test";
          if (!isComposed) yield `imports ${specifier} of ${packageOf(file)}; only packages/stack composes services`;
        }
    }),
  },
  {
    name: "front doors",
    reason: "a relative path into another package goes round what that package promises",
    find: each(function* ({ path, imports }) {
      for (const { file, specifier } of imports)
        if (
          file !== null &&
          specifier.startsWith(".") &&
          packageOf(file) !== packageOf(path) &&
          packageOf(path) !== "test"
        )
          yield `reaches into ${packageOf(file)} by ${specifier}; import it by its name`;
    }),
  },
  {
    name: "no cycles",
    reason: "packages that need each other are one package",
    find: ({ sources }) => cyclesOf(sources),
  },
  {
    name: "resolvable",
    reason: "an import of ours that leads nowhere fails at run time, on the path nobody tested",
    find: function* ({ sources }) {
      const paths = new Set(sources.map(({ path }) => path));
      for (const { path, imports } of sources)
        for (const { file, specifier } of imports)
          if (/\.tsx?$/u.test(file ?? "") && !paths.has(file ?? ""))
            yield [path, `imports ${specifier}, and there is no ${file}`];
    },
  },
  {
    name: "names of files",
    reason: "a drawer for everything is opened by nobody; a file is named after its main export",
    find: each(function* ({ path }) {
      if (/(?:^|[/.-])(?:utils?|helpers?|common|misc|managers?)(?:[/.-]|$)/u.test(path))
        yield "has a name that says nothing";
      const file = path.split("/").at(-1) ?? "";
      if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|int\.test|contract|fixture|d))?\.tsx?$/u.test(file))
        yield "is not named in kebab-case";
    }),
  },
  {
    name: "no default exports",
    reason: "a default export has another name in every file that imports it, and cannot be searched for",
    find: each(({ hasDefaultExport }) => (hasDefaultExport ? ["has a default export"] : [])),
  },
  {
    name: "small rooms",
    reason: `a file over ${MAX_LINES} lines has more than one thing to say`,
    find: each(({ path, lines }) =>
      lines > MAX_LINES && !isTest(path) && !(path in longFiles) ? [`has ${lines} lines`] : [],
    ),
  },
  {
    name: "one word for one thing",
    reason: "docs/glossary.md settles the words",
    find: each(function* ({ path, exportedNames }) {
      if (foreignNames.test(path)) return;
      const file = path.split("/").at(-1) ?? "";
      for (const name of [file, ...exportedNames])
        for (const word of wordsOf(name))
          if (Object.hasOwn(synonyms, word)) yield `says ${word} in ${name}; the word is ${synonyms[word]}`;
    }),
  },
  {
    name: "nothing left for later",
    reason: "what is not done is an issue, not a comment",
    find: each(({ comments }) =>
      comments
        .filter((comment) => /\b(?:TODO|FIXME|XXX|HACK)\b/u.test(comment))
        .map((comment) => `says ${comment.trim()}`),
    ),
  },
  {
    name: "no dead files",
    reason: "a file that nothing imports and nothing starts is read by people in vain",
    find: function* ({ sources, entries }) {
      const imported = new Set(sources.flatMap(({ imports }) => imports.map(({ file }) => file)));
      for (const { path } of sources) {
        const starts =
          /\.test\.ts$|\.d\.ts$|\/src\/(?:main|index)\.ts$|\/bench\/main\.ts$/u.test(path) || entries.has(path);
        if (!starts && !imported.has(path)) yield [path, "is imported by nothing"];
      }
    },
  },
];

function* cyclesOf(sources: ReadonlyArray<Source>): Iterable<readonly [string, string]> {
  const needs = new Map<string, Set<string>>();
  for (const { path, imports } of sources.filter((source) => !isTest(source.path)))
    for (const { file } of imports)
      if (file !== null && packageOf(file) !== packageOf(path))
        needs.set(packageOf(path), (needs.get(packageOf(path)) ?? new Set()).add(packageOf(file)));
  const settled = new Set<string>();
  const follow = function* (name: string, way: ReadonlyArray<string>): Iterable<readonly [string, string]> {
    if (way.includes(name)) yield [name, `needs itself: ${[...way.slice(way.indexOf(name)), name].join(" → ")}`];
    else if (!settled.has(name)) {
      for (const next of needs.get(name) ?? []) yield* follow(next, [...way, name]);
      settled.add(name);
    }
  };
  for (const name of [...needs.keys()].sort()) yield* follow(name, []);
}

/** What breaks which rule; empty where all is well. */
export const violationsOf = (workspace: Workspace): ReadonlyArray<Violation> =>
  rules.flatMap((rule) => [...rule.find(workspace)].map(([path, sentence]) => ({ rule: rule.name, path, sentence })));
