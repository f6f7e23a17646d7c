import type { ComponentChildren } from "preact";
import { nowMs } from "./clock.ts";
import { clockTime, duration } from "./domain/words.ts";
import { StatusMark } from "./parts/status-chip.tsx";
import { connection } from "./registry/event-stream.ts";
import { myName, signOut } from "./registry/session.ts";
import { linkTo, type Place, place } from "./router.ts";

const entries: ReadonlyArray<readonly [title: string, link: string, pages: ReadonlyArray<Place["page"]>]> = [
  ["Overview", linkTo.overview, ["overview"]],
  ["Releases", linkTo.releases(), ["releases", "release", "artifact"]],
  ["Audit", linkTo.audit, ["audit"]],
  ["KPIs", linkTo.kpi, ["kpi"]],
];

/** What is around every page: where one is, whether it is up to date, who one is. */
export const Shell = ({ children }: { readonly children: ComponentChildren }) => (
  <>
    <button type="button" class="skip" onClick={skipToMain}>
      Skip to content
    </button>
    <header class="bar">
      <a class="brand" href={linkTo.overview}>
        Sluice
      </a>
      <nav aria-label="Pages">
        {entries.map(([title, link, pages]) => (
          <a key={title} href={link} aria-current={pages.includes(place.value.page) ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <ConnectionState />
      <span class="who">
        <bdi>{myName.value}</bdi>
        <button type="button" class="plain" onClick={signOut}>
          Sign out
        </button>
      </span>
    </header>
    <main id="main" tabIndex={-1}>
      {children}
    </main>
  </>
);

/** A button, because what is behind `#` names a page here and cannot name an element. */
const skipToMain = () => {
  document.getElementById("main")?.focus();
};

/** Said aloud only when it changes: the passing seconds are for eyes. */
const ConnectionState = () => {
  const { staleSince, problem } = connection.value;
  if (staleSince === null)
    return (
      <span class="connection live" role="status">
        <StatusMark urgency="quiet" /> Live
      </span>
    );
  return (
    <span class="connection stale" title={problem ?? undefined}>
      <span role="status">
        <StatusMark urgency="wrong" /> Stale since {clockTime(staleSince)}
      </span>
      <span aria-hidden="true"> ({duration(nowMs.value - staleSince)}), trying again</span>
    </span>
  );
};
