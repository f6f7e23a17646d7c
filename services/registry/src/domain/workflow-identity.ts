import * as Result from "effect/Result";

/** What GitHub says of a workflow in the token that it signs for it. */
export interface WorkflowClaims {
  readonly repository: string;
  readonly repositoryOwnerId: string | null;
  /** Such as `refs/heads/main`. */
  readonly ref: string;
  /** The person whose push or click started it. */
  readonly actor: string;
  readonly environment: string | null;
}

export interface Rule {
  readonly repository: string;
  readonly repositoryOwnerId: string | null;
  readonly branches: ReadonlyArray<string>;
  readonly environment: string | null;
  readonly team: string | null;
}

/** The first rule that lets the workflow in, or one sentence that says what none of them allows. */
export const ruleFor = <R extends Rule>(rules: ReadonlyArray<R>, claims: WorkflowClaims): Result.Result<R, string> => {
  const found = rules.find(
    (rule) =>
      matches(rule.repository, claims.repository) &&
      (rule.repositoryOwnerId === null || rule.repositoryOwnerId === claims.repositoryOwnerId) &&
      rule.branches.some((branch) => matches(`refs/heads/${branch}`, claims.ref)) &&
      (rule.environment === null || rule.environment === claims.environment),
  );
  const where = claims.environment === null ? "" : ` in environment ${claims.environment}`;
  return found
    ? Result.succeed(found)
    : Result.fail(
        `no rule lets repository ${claims.repository} at ${claims.ref}${where} in; add one to the OIDC rules`,
      );
};

/** `*` is anything but a slash, `**` is anything. */
const matches = (glob: string, text: string): boolean =>
  new RegExp(
    `^${glob
      .split(/(\*\*?)/u)
      .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replaceAll(/[\\^$.+?()[\]{}|]/gu, "\\$&")))
      .join("")}$`,
    "u",
  ).test(text);

/** `personOf` of `@sluice/release` reads it again. */
const PREFIX = "github:";

/** The bound of an author's id. */
const MAX_LENGTH = 200;

/** The author of what a workflow does: its repository, its branch, and who started it, who is never cut off. */
export const workflowAuthorId = ({ repository, ref, actor }: WorkflowClaims): string => {
  const person = `:${actor}`;
  const where = `${PREFIX}${repository}@${ref.replace(/^refs\/heads\//u, "")}`;
  return `${where.slice(0, Math.max(PREFIX.length, MAX_LENGTH - person.length))}${person}`;
};
