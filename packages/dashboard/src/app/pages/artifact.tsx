import { useSignal } from "@preact/signals";
import type { Artifact, ArtifactUsesBody, BundleUse } from "@sluice/contracts";
import { phaseLabel, phaseUrgency } from "../domain/standing.ts";
import { count, localDate, plural, shortDigest } from "../domain/words.ts";
import { DataTable } from "../parts/data-table.tsx";
import { download } from "../parts/download.ts";
import { At } from "../parts/moments.tsx";
import { Failure, Loading, Nothing } from "../parts/notices.tsx";
import { StatusChip } from "../parts/status-chip.tsx";
import { TextDiff } from "../parts/text-diff.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { askAsMe, sendAsMe } from "../registry/session.ts";
import { linkTo } from "../router.ts";

/** Longer contents are for an editor. */
const SHOWN_CHARACTERS = 200_000;

const textOf = async (digest: string): Promise<string> => (await sendAsMe("getArtifact", { path: { digest } })).text();

/** An artifact as people read it: a prompt's messages as text, everything else as indented JSON. */
const readable = (text: string): string => {
  try {
    const value = JSON.parse(text) as Artifact;
    if (value?.kind === "prompt")
      return value.messages.map(({ role, content }) => `[${role}]\n${content}`).join("\n\n");
    return JSON.stringify(value, null, 2);
  } catch {
    return text;
  }
};

export const ArtifactPage = ({ digest }: { readonly digest: string }) => {
  const answer = useAnswer(digest, () => askAsMe("getArtifactUses", { path: { digest } }));
  const { value: used, failure } = answer.value;
  const isBundle = used?.uses.some(({ bundle }) => bundle.digest === digest) ?? false;
  return (
    <>
      <div class="page-head">
        <p class="crumbs kind">{used === null ? "Artifact" : isBundle ? "Bundle" : (used.kind ?? "file")}</p>
        <h1 title={digest}>{shortDigest(digest)}</h1>
        <p class="muted break">{digest}</p>
      </div>
      {failure !== null && <Failure sentence={failure} />}
      {used === null && failure === null && <Loading />}
      {used !== null && <Uses used={used} digest={digest} isBundle={isBundle} />}
      {isBundle && used?.uses[0] ? (
        <BundleParts bundle={used.uses[0].bundle} />
      ) : (
        (used !== null || failure !== null) && <Content digest={digest} used={used} />
      )}
    </>
  );
};

/** From when until when, in a line; whoever serves still does. */
const Served = ({ span }: { readonly span: BundleUse["asCandidate"] }) => {
  if (span === null) return "–";
  return (
    <>
      <At at={span.from} />
      {" to "}
      {span.until === null ? "now" : <At at={span.until} />}
    </>
  );
};

const causes: { readonly [C in BundleUse["cause"]]: string } = {
  registered: "registered with the application",
  release: "release",
  rollback: "an operator went back to it",
};

const Uses = ({
  used: { uses, usesTotal },
  digest,
  isBundle,
}: {
  readonly used: ArtifactUsesBody;
  readonly digest: string;
  readonly isBundle: boolean;
}) => (
  <section class="panel" aria-labelledby="uses-title">
    <h2 id="uses-title">Where it ran, and when</h2>
    {uses.length === 0 ? (
      <Nothing>
        It is in no bundle that was registered or requested: an eval set, eval results, evidence, or not used so far.
      </Nothing>
    ) : (
      <DataTable
        caption={`Each time that ${isBundle ? "this bundle" : "a bundle with this part"} was meant for users${uses.length < usesTotal ? `: the latest ${count(uses.length)} of ${count(usesTotal)}` : ""}`}
        fileName={`uses-${shortDigest(digest)}`}
        rows={uses}
        keyOf={({ application, at }, index) => `${index} ${application} ${at}`}
        columns={[
          { title: "Application", cell: ({ application }) => application, value: ({ application }) => application },
          {
            title: "By",
            cell: ({ application, releaseId, cause }) =>
              releaseId === null ? (
                causes[cause]
              ) : (
                <a class="break" href={linkTo.release(application, releaseId)}>
                  {releaseId}
                </a>
              ),
            value: ({ releaseId, cause }) => releaseId ?? cause,
          },
          {
            title: "Its release",
            cell: ({ phase }) =>
              phase === null ? "–" : <StatusChip urgency={phaseUrgency(phase)} label={phaseLabel(phase)} />,
            value: ({ phase }) => phase,
          },
          {
            title: "Some users had it",
            numeric: true,
            cell: ({ asCandidate }) => <Served span={asCandidate} />,
            value: ({ asCandidate }) => asCandidate && `${asCandidate.from}/${asCandidate.until ?? ""}`,
          },
          {
            title: "All users had it",
            numeric: true,
            cell: ({ asBaseline }) => <Served span={asBaseline} />,
            value: ({ asBaseline }) => asBaseline && `${asBaseline.from}/${asBaseline.until ?? ""}`,
          },
        ]}
      />
    )}
  </section>
);

const BundleParts = ({ bundle }: { readonly bundle: BundleUse["bundle"] }) => (
  <section class="panel" aria-labelledby="parts-title">
    <h2 id="parts-title">Parts</h2>
    <ul class="parts">
      {Object.entries(bundle.artifacts).map(([kind, part]) => (
        <li key={kind}>
          {kind} <a href={linkTo.artifact(part)}>{shortDigest(part)}</a>
        </li>
      ))}
    </ul>
  </section>
);

const Content = ({ digest, used }: { readonly digest: string; readonly used: ArtifactUsesBody | null }) => {
  const content = useAnswer(digest, () => textOf(digest));
  const { value, failure } = content.value;
  if (failure !== null) return <Failure sentence={failure} />;
  if (value === null) return <Loading />;
  const text = readable(value);
  return (
    <>
      <section class="panel" aria-labelledby="content-title">
        <h2 id="content-title">Content</h2>
        <button
          type="button"
          class="plain small"
          onClick={() => download(`${shortDigest(digest)}.json`, value, "application/octet-stream")}
        >
          Download as it is stored
        </button>
        <pre dir="auto">{text.slice(0, SHOWN_CHARACTERS)}</pre>
        {text.length > SHOWN_CHARACTERS && <p class="muted">The rest is in the download.</p>}
      </section>
      {used !== null && used.versions.length > 0 && <Versions digest={digest} text={text} used={used} />}
    </>
  );
};

/** Other artifacts of the same kind in the same applications: choose one, and see what differs. */
const Versions = ({
  digest,
  text,
  used: { kind, versions, versionsTotal },
}: {
  readonly digest: string;
  readonly text: string;
  readonly used: ArtifactUsesBody;
}) => {
  const chosen = useSignal(versions[0]?.digest ?? "");
  return (
    <section class="panel" aria-labelledby="versions-title">
      <h2 id="versions-title">Versions</h2>
      <label for="version">
        {plural(versionsTotal, `other ${kind ?? "version"}`)} of the same{" "}
        {new Set(versions.map(({ application }) => application)).size > 1 ? "applications" : "application"}
        {versions.length < versionsTotal && `, the latest ${count(versions.length)}`}
      </label>
      <select
        id="version"
        value={chosen.value}
        onChange={(event) => {
          chosen.value = event.currentTarget.value;
        }}
      >
        {versions.map((version) => (
          <option key={version.digest} value={version.digest}>
            {shortDigest(version.digest)} · {localDate(version.at)} · {version.releaseId ?? "as registered"}
          </option>
        ))}
      </select>
      <VersionDiff digest={chosen.value} text={text} present={digest} />
    </section>
  );
};

const VersionDiff = ({
  digest,
  text,
  present,
}: {
  readonly digest: string;
  readonly text: string;
  readonly present: string;
}) => {
  const other = useAnswer(digest, () => textOf(digest));
  if (other.value.failure !== null) return <Failure sentence={other.value.failure} />;
  if (other.value.value === null) return <Loading />;
  return (
    <TextDiff
      before={readable(other.value.value)}
      after={text}
      names={[`Other ${shortDigest(digest)}`, `This ${shortDigest(present)}`]}
    />
  );
};
