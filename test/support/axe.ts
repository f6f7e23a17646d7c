import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

interface AxeReport {
  readonly violations: ReadonlyArray<{
    id: string;
    impact: string;
    help: string;
    nodes: ReadonlyArray<{ html: string }>;
  }>;
}

/** What axe-core calls serious or critical, as sentences. */
export const faultsOf = async (page: Page, rules?: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  // The policy keeps scripts of others out of the page; the browser's own console is not bound by it.
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
  const report: AxeReport = await page.evaluate(`${axe}; axe.run(document, ${JSON.stringify(options)})`);
  return report.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
};
export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
