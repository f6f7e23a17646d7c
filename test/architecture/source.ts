import { parseSync } from "oxc-parser";

export interface Import {
  readonly specifier: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
  /** Path of the imported file where it is ours, else null. */
  readonly file: string | null;
}

/** One file of ours, as far as the rules look at it. Paths are relative to the workspace and have forward slashes. */
export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly imports: ReadonlyArray<Import>;
  readonly exportedNames: ReadonlyArray<string>;
  readonly hasDefaultExport: boolean;
  readonly comments: ReadonlyArray<string>;
  /** The text with its comments blanked. */
  readonly code: string;
}

/** Where a specifier leads from a file; null for what is not ours. */
export type Resolve = (from: string, specifier: string) => string | null;

/** Throws on a file that cannot be parsed. */
export const parseSource = (path: string, text: string, resolve: Resolve): Source => {
  const { module, comments, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const entries = module.staticExports.flatMap((statement) => statement.entries);
  const found = [
    ...module.staticImports.map(({ moduleRequest, entries: names }) => ({
      specifier: moduleRequest.value,
      typeOnly: names.length > 0 && names.every((name) => name.isType),
    })),
    ...entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest ? [{ specifier: moduleRequest.value, typeOnly: isType }] : [],
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => ({
      specifier: text.slice(moduleRequest.start + 1, moduleRequest.end - 1),
      typeOnly: false,
    })),
  ];
  let code = text;
  for (const { start, end } of comments) code = code.slice(0, start) + " ".repeat(end - start) + code.slice(end);
  return {
    path,
    lines: text.split("\n").length - 1,
    imports: found.map((one) => ({ ...one, file: resolve(path, one.specifier) })),
    exportedNames: entries.flatMap(({ exportName }) => exportName.name ?? []),
    hasDefaultExport: entries.some(({ exportName }) => exportName.kind === "Default"),
    comments: comments.map(({ value }) => value),
    code,
  };
};
