const WORKFLOW = "github:";

/**
 * The person behind an author id. A workflow (`github:REPOSITORY@BRANCH:ACTOR`) acts for who started it, so that nobody approves
 * what they had a workflow ask for: their own token has to be made out to their name at GitHub, or to `github:NAME`.
 */
export const personOf = (authorId: string): string => {
  if (!authorId.startsWith(WORKFLOW)) return authorId.toLowerCase();
  return authorId.slice(Math.max(authorId.lastIndexOf(":"), WORKFLOW.length - 1) + 1).toLowerCase();
};
