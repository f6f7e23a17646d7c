import * as JsonSchema from "effect/JsonSchema";
import { deadLettersTopic } from "../dead-letter.ts";
import { type EventType, eventDescriptions } from "../event-descriptions.ts";
import { JudgementEvent, ObservationEvent } from "../observation.ts";
import { ReleaseEvent } from "../release-event.ts";
import {
  canaryProgressTopic,
  gatewaysTopic,
  judgementsTopic,
  observationsTopic,
  releaseStateTopic,
  releasesTopic,
  routingTopic,
  type Topic,
} from "../topics.ts";
import { type Channel, flows } from "./flows.ts";
import { Components, type JsonObject, jsonSchemaOf } from "./json-schema-of.ts";
import { eventSchemas } from "./schema-files.ts";

type AnyTopic = Pick<Topic<never>, "name" | "retention" | "partitions">;
const typesOf = (union: { readonly cases: object }) => Object.keys(union.cases) as ReadonlyArray<EventType>;

/** Each topic, with what may stand on it. */
export const channels: {
  readonly [Name in Channel]: {
    readonly topic: AnyTopic;
    readonly key: string;
    readonly types: ReadonlyArray<EventType>;
  };
} = {
  releases: { topic: releasesTopic, key: "application", types: typesOf(ReleaseEvent) },
  routing: { topic: routingTopic, key: "application", types: ["RoutingChanged"] },
  "release-state": { topic: releaseStateTopic, key: "application", types: ["ReleaseStateChanged"] },
  "canary-progress": { topic: canaryProgressTopic, key: "application", types: ["CanaryProgressed"] },
  gateways: { topic: gatewaysTopic, key: "gateway", types: ["GatewayReported"] },
  observations: { topic: observationsTopic, key: "application", types: typesOf(ObservationEvent) },
  judgements: { topic: judgementsTopic, key: "application", types: typesOf(JudgementEvent) },
  "dead-letters": { topic: deadLettersTopic, key: "key of the record", types: ["RecordDeadLettered"] },
};

const text = { type: "string" };
const cloudEventHeaders = (topic: string, tag: string): JsonObject => ({
  type: "object",
  description: "CloudEvents 1.0 in Kafka's binary mode.",
  properties: {
    ce_specversion: { type: "string", const: "1.0" },
    ce_id: { ...text, description: "Equal for a repeated event: consumers may drop it." },
    ce_source: text,
    ce_type: { type: "string", const: `${topic}.${tag}` },
    ce_time: { ...text, format: "date-time" },
    ce_subject: { ...text, description: "The release where there is one, else the record's key." },
    ce_partitionkey: text,
    "content-type": { type: "string", const: "application/json" },
  },
  required: ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"],
});
const deadLetterHeaders: JsonObject = {
  type: "object",
  description: "The headers of the record as it was, and where it stood.",
  properties: { sluice_reason: text, sluice_topic: text, sluice_partition: text, sluice_offset: text },
  required: ["sluice_reason", "sluice_topic", "sluice_partition", "sluice_offset"],
};

const retentionOf = ({ retention }: AnyTopic): JsonObject => {
  if (retention === "compacted") return { "cleanup.policy": ["compact"] };
  if (retention === "forever") return { "cleanup.policy": ["delete"], "retention.ms": -1 };
  return { "cleanup.policy": ["delete"], "retention.ms": retention.days * 86_400_000 };
};

const channelOf = ({ topic, types }: (typeof channels)[Channel]): JsonObject => ({
  address: topic.name,
  messages: Object.fromEntries(types.map((tag) => [tag, { $ref: `#/components/messages/${tag}` }])),
  bindings: {
    kafka: { partitions: topic.partitions, topicConfiguration: retentionOf(topic), bindingVersion: "0.5.0" },
  },
});

/** AsyncAPI's own schema dialect is draft 07 with references into the document. */
const payloadOf = (tag: EventType, components: Components): JsonObject => {
  if (tag === "RecordDeadLettered") return { description: "The value as it was: it may be anything." };
  const { schema, definitions } = jsonSchemaOf(eventSchemas[tag]);
  const draft07 = JsonSchema.toDocumentDraft07({ dialect: "draft-2020-12", schema, definitions });
  const renamed = JSON.parse(JSON.stringify(draft07).replaceAll("#/definitions/", "#/$defs/"));
  return components.add({ schema: renamed.schema, definitions: renamed.definitions });
};

/** AsyncAPI 3.0 of the whole: topics, events, and which service sends and receives what. */
export const asyncApi = (): JsonObject => {
  const components = new Components("#/components/schemas/");
  const messages: Record<string, JsonObject> = {};
  for (const { topic, key, types } of Object.values(channels))
    for (const tag of types)
      messages[tag] = {
        name: `${topic.name}.${tag}`,
        title: tag,
        summary: eventDescriptions[tag],
        contentType: "application/json",
        headers: tag === "RecordDeadLettered" ? deadLetterHeaders : cloudEventHeaders(topic.name, tag),
        payload: payloadOf(tag, components),
        bindings: { kafka: { key: { type: "string", description: `The ${key}.` }, bindingVersion: "0.5.0" } },
      };
  const operations = flows.map(({ service, action, channel, types }) => [
    `${service}/${action}/${channel}`,
    {
      action,
      channel: { $ref: `#/channels/${channel}` },
      summary: `${service} ${action === "send" ? "sends to" : "receives from"} ${channels[channel].topic.name}.`,
      tags: [{ name: service }],
      messages: (types ?? channels[channel].types).map((tag) => ({ $ref: `#/channels/${channel}/messages/${tag}` })),
    },
  ]);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Sluice",
      version: "1.0.0",
      description: "The typed events through which Sluice's services communicate. The log is the arbiter.",
      license: { name: "Apache-2.0" },
    },
    defaultContentType: "application/json",
    servers: { kafka: { host: "localhost:9092", protocol: "kafka" } },
    channels: Object.fromEntries(Object.entries(channels).map(([name, channel]) => [name, channelOf(channel)])),
    operations: Object.fromEntries(operations),
    components: { messages, schemas: components.toObject() },
  };
};
