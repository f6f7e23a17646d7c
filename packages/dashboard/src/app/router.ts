import { computed, signal } from "@preact/signals";

/** Pages are named behind the `#`: the registry serves one file, and no path of its own is taken. */
const hash = signal(location.hash);
window.addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export type Place =
  | { readonly page: "overview" }
  | { readonly page: "releases"; readonly application: string | null }
  | { readonly page: "release"; readonly application: string; readonly releaseId: string }
  | { readonly page: "artifact"; readonly digest: string }
  | { readonly page: "audit" }
  | { readonly page: "kpi" }
  | { readonly page: "unknown"; readonly path: string };

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export const placeOf = (fragment: string): Place => {
  const parts = fragment.replace(/^#\/?/u, "").split("/").filter(Boolean).map(decoded);
  const [page, first, second] = parts;
  if (page === undefined) return { page: "overview" };
  if (page === "releases" && second === undefined) return { page: "releases", application: first ?? null };
  if (page === "releases" && first !== undefined && second !== undefined && parts.length === 3)
    return { page: "release", application: first, releaseId: second };
  if (page === "artifacts" && first !== undefined) return { page: "artifact", digest: first };
  if (page === "audit" || page === "kpi") return { page };
  return { page: "unknown", path: parts.join("/") };
};

export const place = computed(() => placeOf(hash.value));

const path = (...parts: ReadonlyArray<string>): string => `#/${parts.map(encodeURIComponent).join("/")}`;
export const linkTo = {
  overview: "#/",
  releases: (application?: string) => (application === undefined ? "#/releases" : path("releases", application)),
  release: (application: string, releaseId: string) => path("releases", application, releaseId),
  artifact: (digest: string) => path("artifacts", digest),
  audit: "#/audit",
  kpi: "#/kpi",
};
