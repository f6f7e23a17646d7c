/**
 * What a schema found, as whoever wrote the file reads it: `Expected … at ["a"][0]["b"]` becomes `a[0].b: expected …`. The value
 * that was found is no part of it: in settings it may be a secret.
 */
export const readableFault = (message: string): string => {
  const [, fault = "", path = ""] = /^(.*?)(?: at ((?:\[[^\]]+\])+))?$/u.exec(message.replaceAll(/\s+/gu, " ")) ?? [];
  const field = path.replaceAll(/\["([^"]+)"\]/gu, ".$1").replace(/^\./u, "");
  const where = field === "" ? "" : `${field}: `;
  if (/excess property/iu.test(fault)) return `${field} is no setting; remove it or correct its name`;
  if (fault === "Missing key") return `${field} is missing; give it`;
  const kinds = fault.replaceAll(/\{ readonly "(\w+)": ("[^"]+")(?:, \.\.\.)? \}/gu, "$1 $2");
  return `${where}${kinds.charAt(0).toLowerCase()}${kinds.slice(1)}`;
};
