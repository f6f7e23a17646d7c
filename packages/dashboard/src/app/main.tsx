import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/pages.css";
import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { ArtifactPage } from "./pages/artifact.tsx";
import { AuditPage } from "./pages/audit.tsx";
import { KpiPage } from "./pages/kpi.tsx";
import { Overview } from "./pages/overview.tsx";
import { ReleasePage } from "./pages/release.tsx";
import { ReleasesPage } from "./pages/releases.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { Nothing } from "./parts/notices.tsx";
import { startLive } from "./registry/live.ts";
import { rememberedToken, session, signIn } from "./registry/session.ts";
import { linkTo, type Place, place } from "./router.ts";
import { Shell } from "./shell.tsx";

const titleOf = (at: Place): string => {
  if (at.page === "release") return `${at.application}, ${at.releaseId}`;
  return {
    overview: "Overview",
    releases: "Releases",
    artifact: "Artifact",
    audit: "Audit",
    kpi: "KPIs",
    unknown: "Not found",
  }[at.page];
};

const Page = () => {
  const at = place.value;
  useEffect(() => {
    document.title = `${titleOf(at)} · Sluice`;
    // As after a page load: from the top, and a screen reader begins with the new page.
    scrollTo(0, 0);
    if (document.activeElement !== document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [at]);
  switch (at.page) {
    case "overview":
      return <Overview />;
    case "releases":
      return <ReleasesPage application={at.application} />;
    case "release":
      return (
        <ReleasePage key={`${at.application}/${at.releaseId}`} application={at.application} releaseId={at.releaseId} />
      );
    case "artifact":
      return <ArtifactPage key={at.digest} digest={at.digest} />;
    case "audit":
      return <AuditPage />;
    case "kpi":
      return <KpiPage />;
    case "unknown":
      return (
        <Nothing>
          There is no page “{at.path}”. <a href={linkTo.overview}>Go to the overview.</a>
        </Nothing>
      );
  }
};

const isStarting = signal(rememberedToken() !== null);

const App = () => {
  const token = session.value?.token;
  useEffect(() => {
    if (token === undefined) return;
    const stop = new AbortController();
    startLive(stop.signal);
    return () => stop.abort();
  }, [token]);
  if (isStarting.value) return null;
  if (!session.value) return <SignIn />;
  return (
    <Shell>
      <Page />
    </Shell>
  );
};

const remembered = rememberedToken();
if (remembered !== null)
  void signIn(remembered).finally(() => {
    isStarting.value = false;
  });
const root = document.getElementById("app");
if (root) render(<App />, root);
