/**
 * What an analyst's statement may be: one that reads the documented tables. ClickHouse's read-only mode alone still reads
 * files, asks other servers and writes INTO OUTFILE, so the statement is parsed by ClickHouse itself (EXPLAIN AST, which
 * runs nothing) and its tree is looked through: which functions, which databases, which settings.
 */

/**
 * Table functions that make rows out of nothing. Every other one reaches something outside, or (`values`, `format`, `null`)
 * takes its columns as a text: in that a column's DEFAULT or ALIAS is an expression which no tree shows.
 */
const harmlessTableFunctions: ReadonlySet<string> = new Set([
  "numbers",
  "numbers_mt",
  "zeros",
  "zeros_mt",
  "generateseries",
  "generate_series",
  "view",
]);

/** Ordinary functions, harmless ones, that have the name of a table function. */
const namesakes: ReadonlySet<string> = new Set(["format"]);

/** Ordinary functions that read what is not in the tables, or only waste time. */
const refusedFunctions =
  /^(?:file|filesystem.*|sleep.*|dict.*|joinget.*|catboost.*|getsetting.*|getserver.*|getmacro|hostname|fqdn|servertimezone|serveruuid|tcpport|show.*|address.*|demangle|ai[a-z].*|llm.*|evalmlmethod|url.*read.*|currentprofiles|currentroles|enabledroles|defaultroles|enabledprofiles|defaultprofiles|getclient.*|structureto.*|log_?trace|zookeeper.*|hascolumnintable|generateserialid)$/u;

/** Of `system`, what clients ask to show which tables there are. */
const systemTables: ReadonlySet<string> = new Set([
  "one",
  "numbers",
  "databases",
  "tables",
  "columns",
  "functions",
  "data_type_families",
  "formats",
  "table_engines",
]);

/** Of these, what tells how many rows everybody has: nothing for who may see those of one team. */
const countsOfAll: ReadonlySet<string> = new Set(["tables", "columns"]);

/** What SHOW may be: of a WHERE behind it the tree shows nothing. */
const plainShow =
  /^\s*SHOW\s+(?:FULL\s+)?(?:TABLES|DATABASES)(?:\s+(?:FROM|IN)\s+\w+)?(?:\s+(?:NOT\s+)?I?LIKE\s+'[^'\\]*')?(?:\s+LIMIT\s+\d+)?\s*$/iu;

/** Statements by the root of their tree. */
const readers = /^(?:SelectWithUnionQuery|SelectIntersectExceptQuery|DescribeQuery|ShowTables)\b/u;

/** Formats that need nothing but the rows. Others read templates or schemas from files. */
export const isPlainFormat = (format: string): boolean =>
  /^(?:TabSeparated|TSV|CSV|JSON|JSONCompact|JSONColumns|JSONStrings|JSONEachRow|JSONCompactEachRow|JSONStringsEachRow|JSONCompactStrings|NDJSON|JSONLines|Pretty|PrettyCompact|PrettySpace|Vertical|Values|Markdown|XML|RowBinary|Native|Parquet|Arrow|ArrowStream|Null)[A-Za-z]*$/u.test(
    format,
  ) && !/Schema|Template/u.test(format);

/** The statement without its end, and the format it asks for. */
export const withoutFormat = (sql: string): { readonly body: string; readonly format: string | null } => {
  const body = sql.replace(/[;\s]+$/u, "");
  const asked = body.match(/^([\s\S]*\S)\s+FORMAT\s+([A-Za-z]\w*)$/iu);
  return asked ? { body: asked[1] ?? "", format: asked[2] ?? null } : { body, format: null };
};

/** What the statement meets at this ClickHouse; names of functions in small letters. */
export interface Surroundings {
  readonly database: string;
  readonly tableFunctions: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  /** Whether whoever asks sees the rows of one team only. */
  readonly ofOneTeam: boolean;
}

/**
 * One sentence that refuses the statement of this tree; null when it only reads. `rows` is the answer of EXPLAIN AST to the
 * statement `body` with our own FORMAT and SETTINGS behind it, one node a row, deeper ones indented by a space more.
 */
export const whyRefused = (body: string, rows: ReadonlyArray<string>, surroundings: Surroundings): string | null => {
  const [root = ""] = rows;
  if (!readers.test(root)) return "only SELECT, DESCRIBE and SHOW are answered here";
  if (root.startsWith("ShowTables") && !plainShow.test(body))
    return "of SHOW only TABLES and DATABASES, with FROM and LIKE, are answered here; SELECT from system.tables instead";
  const nodes = rows.map((row) => ({ depth: row.length - row.trimStart().length, text: row.trim() }));
  const sets = nodes.filter(({ text }) => text === "Set");
  // Exactly ours: another one could lift a limit, or let in rows of another team.
  if (sets.length !== 1 || sets[0]?.depth !== 1) return "a statement sets no settings here; leave SETTINGS out";
  if (nodes.some(({ depth, text }) => depth === 1 && text.startsWith("Literal")))
    return "an answer goes to its client and into no file; leave INTO OUTFILE out";
  const above: Array<string> = [];
  for (const { depth, text } of nodes) {
    above[depth] = text;
    const refused = refusalOf(text, above[depth - 1] ?? "", surroundings);
    if (refused !== null) return refused;
  }
  return null;
};

const refusalOf = (
  node: string,
  parent: string,
  { database, tableFunctions, functions, ofOneTeam }: Surroundings,
): string | null => {
  const [kind = "", ...words] = node.split(" ");
  const name = words.join(" ").replace(/ \((?:alias|children)\b.*$/su, "");
  const lower = name.toLowerCase();
  if (kind === "ColumnsApplyTransformer")
    return "APPLY hides the function that it calls; write the columns with their functions";
  if (kind === "Function") {
    const isTable = parent.startsWith("TableExpression") || !namesakes.has(lower);
    const reaches = isTable && tableFunctions.has(lower) && !harmlessTableFunctions.has(lower);
    return reaches || refusedFunctions.test(lower) ? `function ${name} reaches beyond the tables; leave it out` : null;
  }
  // A function may be handed to another one by its name alone, as in arrayMap(file, paths).
  if (kind === "Identifier" && functions.has(lower) && refusedFunctions.test(lower))
    return `${name} is the name of a function that reaches beyond the tables; choose another name, or leave it out`;
  // An identifier may be a table too, after IN. A column of an alias has a dot as well, and is neither of these.
  const [first = "", second = ""] = name.split(".");
  if (kind === "TableIdentifier" && name.includes(".") && first !== database && first !== "system")
    return `database ${first} is not read here; the tables are in ${database}`;
  if (
    (kind === "TableIdentifier" || kind === "Identifier") &&
    /^(?:system|information_schema)$/iu.test(first) &&
    second
  )
    return refusalOfSystem(first, second, ofOneTeam);
  return null;
};

const refusalOfSystem = (database: string, table: string, ofOneTeam: boolean): string | null => {
  if (database !== "system" || !systemTables.has(table)) return `${database}.${table} is not read here`;
  return ofOneTeam && countsOfAll.has(table)
    ? `system.${table} counts the rows of every team, and this token is of one; SHOW TABLES and DESCRIBE TABLE tell what there is`
    : null;
};

/** Rows of a one-column answer in CSV, or in TSV as a server writes it. */
export const rowsOf = (answer: string): ReadonlyArray<string> =>
  answer.startsWith('"')
    ? [...answer.matchAll(/"((?:[^"]|"")*)"\r?\n/gu)].map(([, row = ""]) => row.replaceAll('""', '"'))
    : answer.split("\n").filter((row) => row !== "");
