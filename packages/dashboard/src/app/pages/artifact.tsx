import { useSignal } from "@preact/signals";
import type { Artifact } from "@sluice/contracts";
import { phaseLabel, phaseUrgency } from "../domain/standing.ts";
import { plural, shortDigest } from "../domain/words.ts";
import { DataTable } from "../parts/data-table.tsx";
import { download } from "../parts/download.ts";
import { At } from "../parts/moments.tsx";
import { Failure, Loading, Nothing } from "../parts/notices.tsx";
import { StatusChip } from "../parts/status-chip.tsx";
import { TextDiff } from "../parts/text-diff.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { artifactUses, type Use } from "../registry/artifact-uses.ts";
import { sendAsMe } from "../registry/session.ts";
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

const kindOf = (text: string): string => {
  try {
    const kind = (JSON.parse(text) as { kind?: unknown } | null)?.kind;
    return typeof kind === "string" ? kind : "file";
  } catch {
    return "file";
  }
};

export const ArtifactPage = ({ digest }: { readonly digest: string }) => {
  const content = useAnswer(digest, () => textOf(digest));
  const uses = useAnswer("uses", artifactUses);
  const { value, failure } = content.value;
  const used = uses.value.value;
  const isBundle = used?.some((use) => use.bundle === digest) ?? false;
  const text = value === null ? null : readable(value);
  return (
    <>
      <div class="page-head">
        <p class="crumbs">{isBundle ? "Bundle" : value === null ? "Artifact" : kindOf(value)}</p>
        <h1 title={digest}>{shortDigest(digest)}</h1>
        <p class="muted break">{digest}</p>
      </div>
      {uses.value.failure !== null && <Failure sentence={uses.value.failure} />}
      {used !== null && used.length > 0 && <Uses uses={used} digest={digest} isBundle={isBundle} />}
      {used?.length === 0 && <Nothing>None of the releases that were looked at has it as a part.</Nothing>}
      {isBundle ? (
        <BundleParts use={used?.find((use) => use.bundle === digest) ?? null} />
      ) : failure !== null ? (
        <Failure sentence={failure} />
      ) : text === null ? (
        <Loading />
      ) : (
        <section class="panel" aria-labelledby="content-title">
          <h2 id="content-title">Content</h2>
          <button
            type="button"
            class="plain small"
            onClick={() => download(`${shortDigest(digest)}.json`, value ?? "", "application/octet-stream")}
          >
            Download as it is stored
          </button>
          <pre dir="auto">{text.slice(0, SHOWN_CHARACTERS)}</pre>
          {text.length > SHOWN_CHARACTERS && <p class="muted">The rest is in the download.</p>}
        </section>
      )}
      {used !== null && !isBundle && text !== null && <Versions digest={digest} text={text} uses={used} />}
    </>
  );
};

const Uses = ({
  uses,
  digest,
  isBundle,
}: {
  readonly uses: ReadonlyArray<Use>;
  readonly digest: string;
  readonly isBundle: boolean;
}) => (
  <section class="panel" aria-labelledby="uses-title">
    <h2 id="uses-title">Where it ran, and when</h2>
    <DataTable
      caption={`Releases whose candidate ${isBundle ? "is this bundle" : "has this part"}`}
      fileName={`uses-${shortDigest(digest)}`}
      rows={uses.filter(({ artifacts, bundle }) => bundle === digest || artifacts.includes(digest))}
      keyOf={({ application, releaseId }) => `${application}/${releaseId}`}
      columns={[
        {
          title: "Release",
          cell: ({ application, releaseId }) => (
            <a class="break" href={linkTo.release(application, releaseId)}>
              {releaseId}
            </a>
          ),
          value: ({ releaseId }) => releaseId,
        },
        { title: "Application", cell: ({ application }) => application, value: ({ application }) => application },
        {
          title: "Ended as",
          cell: ({ phase }) => <StatusChip urgency={phaseUrgency(phase)} label={phaseLabel(phase)} />,
          value: ({ phase }) => phase,
        },
        {
          title: "First user met it",
          numeric: true,
          cell: ({ servedFrom }) => (servedFrom === null ? "no user did" : <At at={servedFrom} />),
          value: ({ servedFrom }) => servedFrom,
        },
        {
          title: "Until",
          numeric: true,
          cell: ({ servedFrom, servedUntil }) =>
            servedUntil === null ? (
              servedFrom === null ? (
                "–"
              ) : (
                "still, or until the next release"
              )
            ) : (
              <At at={servedUntil} />
            ),
          value: ({ servedUntil }) => servedUntil,
        },
      ]}
    />
  </section>
);

const BundleParts = ({ use }: { readonly use: Use | null }) =>
  use && (
    <section class="panel" aria-labelledby="parts-title">
      <h2 id="parts-title">Parts</h2>
      <ul class="parts">
        {Object.entries(use.parts).map(([kind, part]) => (
          <li key={kind}>
            {kind} <a href={linkTo.artifact(part)}>{shortDigest(part)}</a>
          </li>
        ))}
      </ul>
    </section>
  );

/** Other artifacts of the same kind in the same applications: choose one, and see what differs. */
const Versions = ({
  digest,
  text,
  uses,
}: {
  readonly digest: string;
  readonly text: string;
  readonly uses: ReadonlyArray<Use>;
}) => {
  const mine = uses.find(({ artifacts }) => artifacts.includes(digest));
  const kind = mine && Object.entries(mine.parts).find(([, part]) => part === digest)?.[0];
  const others = uses.flatMap((use) => {
    const part = kind === undefined ? undefined : use.parts[kind];
    return part !== undefined && part !== digest && use.application === mine?.application ? [{ ...use, part }] : [];
  });
  const versions = [...new Map(others.map((other) => [other.part, other])).values()];
  const chosen = useSignal(versions[0]?.part ?? "");
  if (versions.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="versions-title">
      <h2 id="versions-title">Versions</h2>
      <label for="version">
        {plural(versions.length, `other ${kind ?? "version"}`)} of {mine?.application}
      </label>
      <select
        id="version"
        value={chosen.value}
        onChange={(event) => {
          chosen.value = event.currentTarget.value;
        }}
      >
        {versions.map(({ part, releaseId, phase }) => (
          <option key={part} value={part}>
            {shortDigest(part)} · {releaseId} · {phaseLabel(phase)}
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
