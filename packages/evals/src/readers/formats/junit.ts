import * as Result from "effect/Result";
import sax from "sax";
import { safetyBy, sliceBy } from "../../domain/result-rules.ts";
import { ArmCollector } from "../arm-collector.ts";
import type { Problem } from "../case-file-error.ts";
import type { FormatReader } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { errored } from "../imported-score.ts";
import { decodeText } from "../json-document.ts";
import type { DocumentFormat, Parsed } from "../parsed-file.ts";

/** One `<testcase>`, as far as it has been read. */
interface TestCase {
  readonly name: string;
  readonly className: string;
  failed: boolean;
  error: string | undefined;
  skipped: boolean;
  readonly properties: Map<string, string>;
}

/**
 * JUnit XML: a failure is a fail, an error an error, a skipped test no result. The `<property>`s of a test
 * case are its metadata. The parser expands no entities but XML's own, so none can grow.
 */
const junitDocument =
  (context: ImportContext): DocumentFormat =>
  (document) =>
    Result.flatMap(decodeText(document), (text) => parseXml(text, context));

const parseXml = (text: string, context: ImportContext): Parsed => {
  const parser = sax.parser(true, { trim: true });
  const collector = new ArmCollector(context);
  let current: TestCase | undefined;
  let problem: Problem | undefined;
  let suites = 0;
  parser.onerror = (error) => {
    problem ??= {
      line: parser.line + 1,
      problem: `is not XML (${error.message.split("\n", 1)[0]?.trim()})`,
      fix: "write the file again; it seems cut off or damaged",
    };
    // sax goes on after an error only when it is cleared; what follows is not looked at.
    parser.resume();
  };
  parser.onopentag = ({ name, attributes }) => {
    const attribute = (key: string) => String(attributes[key] ?? "");
    if (name === "testsuite" || name === "testsuites") suites++;
    if (name === "testcase")
      current = {
        name: attribute("name"),
        className: attribute("classname"),
        failed: false,
        error: undefined,
        skipped: false,
        properties: new Map(),
      };
    if (!current) return;
    if (name === "failure") current.failed = true;
    if (name === "error") current.error = attribute("message") || attribute("type") || "error";
    if (name === "skipped") current.skipped = true;
    if (name === "property") current.properties.set(attribute("name"), attribute("value"));
  };
  parser.onclosetag = (name) => {
    if (name !== "testcase" || !current) return;
    problem ??= addTest(collector, current, context);
    current = undefined;
  };
  parser.write(text).close();
  if (problem) return Result.fail(problem);
  if (suites === 0)
    return Result.fail({
      problem: "holds no testsuite",
      fix: "give a JUnit XML report, or name the format with --format",
    });
  return collector.finish();
};

const addTest = (collector: ArmCollector, test: TestCase, { rules }: ImportContext): Problem | undefined => {
  const properties = Object.fromEntries(test.properties);
  if (test.skipped) return undefined;
  if (test.name === "") return { field: "testcase.name", problem: "is missing", fix: "give every test case a name" };
  return collector.add({
    arm: "results",
    caseId: test.className === "" ? test.name : `${test.className}::${test.name}`,
    slice: sliceBy(rules, properties),
    safety: safetyBy(rules, properties),
    outcome:
      test.error === undefined
        ? { _tag: "Scored", score: test.failed ? 0 : 1, passed: !test.failed }
        : errored(test.error),
  });
};

export const junitFormat: FormatReader = {
  isLikely: ({ text }) => text.startsWith("<") && /<testsuites?[\s>]/u.test(text),
  reading: (_head, context) => ({ by: "document", format: junitDocument(context) }),
};
