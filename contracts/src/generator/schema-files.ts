import type * as Schema from "effect/Schema";
import { CanaryProgress } from "../canary-progress.ts";
import { CaseResultLine, PairedResultLine, ResultsManifest } from "../case-result.ts";
import { Configuration, OrganisationConfiguration } from "../configuration.ts";
import { DeadLetter } from "../dead-letter.ts";
import { EvalCase, EvalSetDocument } from "../eval-set.ts";
import { type EventType, eventDescriptions } from "../event-descriptions.ts";
import { JudgementEvent, ObservationEvent, SafetyProbe } from "../observation.ts";
import { ReleasePassport } from "../passport.ts";
import { Policy } from "../policy.ts";
import { ReleaseEvent } from "../release-event.ts";
import { ReleaseState } from "../release-state.ts";
import { GatewayReport, Routing } from "../routing.ts";
import { jsonSchemaOf } from "./json-schema-of.ts";

/** Every event of every topic with the schema of this type alone. */
export const eventSchemas: { readonly [Tag in EventType]: Schema.Codec<unknown, unknown> } = {
  ...ReleaseEvent.cases,
  ...ObservationEvent.cases,
  ...JudgementEvent.cases,
  RoutingChanged: Routing,
  ReleaseStateChanged: ReleaseState,
  CanaryProgressed: CanaryProgress,
  GatewayReported: GatewayReport,
  RecordDeadLettered: DeadLetter,
};
export const eventTypes = Object.keys(eventSchemas) as ReadonlyArray<EventType>;

/** Files that people and their tools write. */
const formats: { readonly [file: string]: { readonly schema: Schema.Top; readonly closed: boolean; title: string } } = {
  "case-result-line": { schema: CaseResultLine, closed: false, title: "One line of a case-result file (one arm)" },
  "paired-result-line": { schema: PairedResultLine, closed: false, title: "One line of a paired file (both arms)" },
  "results-manifest": { schema: ResultsManifest, closed: true, title: "What a file of case results is of" },
  "eval-case": { schema: EvalCase, closed: true, title: "One line of an eval set" },
  "eval-set": { schema: EvalSetDocument, closed: true, title: "An eval set as one document" },
  "safety-probe": { schema: SafetyProbe, closed: false, title: "One line of a safety-probe set" },
  "sluice-yaml": { schema: Configuration, closed: true, title: "sluice.yaml" },
  "organisation-yaml": {
    schema: OrganisationConfiguration,
    closed: true,
    title: "Sluice rules of an organisation",
  },
  "release-passport": { schema: ReleasePassport, closed: true, title: "The passport of a release" },
  policy: { schema: Policy, closed: true, title: "Policy" },
};

const published = (name: string, title: string, description: string | null, schema: Schema.Top, closed: boolean) => {
  const document = jsonSchemaOf(schema, closed);
  const hasDefinitions = Object.keys(document.definitions).length > 0;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:sluice:schema:${name}`,
    title,
    ...(description !== null && { description }),
    ...document.schema,
    ...(hasDefinitions && { $defs: document.definitions }),
  };
};

/** JSON Schema by file name: one per event type, one per file format. */
export const schemaFiles = (): ReadonlyMap<string, unknown> =>
  new Map([
    ...eventTypes.map((tag): [string, unknown] => [
      `schemas/events/${tag}.v1.json`,
      published(`${tag}.v1`, tag, eventDescriptions[tag], eventSchemas[tag], false),
    ]),
    ...Object.entries(formats).map(([name, { schema, closed, title }]): [string, unknown] => [
      `schemas/${name}.v1.json`,
      published(`${name}.v1`, title, null, schema, closed),
    ]),
  ]);
