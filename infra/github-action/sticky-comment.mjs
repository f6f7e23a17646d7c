// Keeps one comment on the pull request: found by its hidden marker, replaced in place, so that a push leaves no trail of
// old verdicts. A comment that cannot be written is a warning: the verdict stands in the job's summary all the same.
import { readFileSync } from "node:fs";

const MARKER = "<!-- sluice-gate -->";
/** GitHub's limit, in characters. */
const MAX_CHARACTERS = 65_536;
/** A pull request with more comments than this gets a new one. */
const MAX_PAGES = 30;
const PER_PAGE = 100;

const { env } = process;
const warn = (sentence) =>
  console.log(`::warning title=Sluice gate::${sentence.replaceAll("%", "%25").replaceAll(/[\r\n]+/gu, " ")}`);

const call = async (method, path, body) => {
  const response = await fetch(`${env.GITHUB_API_URL ?? "https://api.github.com"}${path}`, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${env.GITHUB_TOKEN}`,
      "content-type": "application/json",
      "x-github-api-version": "2022-11-28",
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`);
  return response.json();
};

const pullRequestNumber = () => {
  try {
    return JSON.parse(readFileSync(env.GITHUB_EVENT_PATH ?? "", "utf8")).pull_request?.number;
  } catch {
    return undefined;
  }
};

/** The job's own token is nobody's: only a token of a person can say whose it is. */
const ownLogin = () =>
  call("GET", "/user").then(
    ({ login }) => login,
    () => undefined,
  );

/** Somebody may quote the report: only a comment of our own that begins with the marker is ours. */
const ownComment = async (comments) => {
  const login = await ownLogin();
  const isOurs = ({ body, user }) =>
    body?.startsWith(MARKER) && (login === undefined ? user?.type === "Bot" : user?.login === login);
  for (let page = 1; page <= MAX_PAGES; page++) {
    const some = await call("GET", `${comments}?per_page=${PER_PAGE}&page=${page}`);
    const own = some.find(isOurs);
    if (own || some.length < PER_PAGE) return own;
  }
  return undefined;
};

const publish = async () => {
  const number = pullRequestNumber();
  if (env.INPUT_COMMENT !== "true" || !env.COMMENT_FILE || number === undefined) return;
  const body = readFileSync(env.COMMENT_FILE, "utf8");
  if (body.length > MAX_CHARACTERS) return warn(`the report has ${body.length} characters, too many for a comment`);
  const issues = `/repos/${env.GITHUB_REPOSITORY}/issues`;
  const own = await ownComment(`${issues}/${number}/comments`);
  if (own) await call("PATCH", `${issues}/comments/${own.id}`, { body });
  else await call("POST", `${issues}/${number}/comments`, { body });
};

try {
  await publish();
} catch (cause) {
  const hint =
    env.REPORT_ONLY === "true"
      ? "a pull request from a fork may not comment"
      : "the job needs the permission pull-requests: write";
  warn(`the comment was not written (${cause instanceof Error ? cause.message : String(cause)}); ${hint}`);
}
