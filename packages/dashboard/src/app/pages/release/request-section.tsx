import type { Story } from "../../domain/release-story.ts";
import { DigestLink } from "../../parts/digest.tsx";
import { At } from "../../parts/moments.tsx";
import { Figures, Section } from "./section.tsx";

/** A link from a request is anybody's text: only web addresses become links. */
const isWebAddress = (text: string): boolean => {
  try {
    return ["https:", "http:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
};

export const RequestSection = ({
  story: { request },
  baseline,
}: {
  readonly story: Story;
  readonly baseline: string | null;
}) => {
  if (!request) return null;
  const { candidate, author, team, commit, link, mergedAt, policy } = request;
  return (
    <Section id="request" title="Request">
      <Figures
        of={[
          ["Requested", <At at={request.at} />],
          ["By", <bdi class="break">{`${author.id} (${author.role})`}</bdi>],
          ["Team", <bdi class="break">{team}</bdi>],
          ["Merged", mergedAt === null ? "–" : <At at={mergedAt} />],
          ["Commit", commit === null ? "–" : <code class="break">{commit}</code>],
          [
            "Link",
            link === null ? (
              "–"
            ) : isWebAddress(link) ? (
              <a class="break" href={link} rel="noreferrer noopener" target="_blank">
                {link}
              </a>
            ) : (
              <span class="break">{link}</span>
            ),
          ],
          ["Present baseline", baseline === null ? "–" : <DigestLink digest={baseline} />],
          ["While another is active", policy.whileActive],
        ]}
      />
      <h3>Candidate bundle</h3>
      <ul class="parts">
        {Object.entries(candidate.artifacts).map(([kind, digest]) => (
          <li key={kind}>
            {kind} <DigestLink digest={digest} />
          </li>
        ))}
      </ul>
      <details>
        <summary>Policy of this release</summary>
        <pre class="json">{JSON.stringify(policy, null, 2)}</pre>
      </details>
    </Section>
  );
};
