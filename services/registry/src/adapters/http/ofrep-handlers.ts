import type { OfrepEvaluation, ReleaseState } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ReleaseStates } from "../../application/release-states.ts";
import { evaluateOfrep } from "../../domain/ofrep-evaluation.ts";
import { type Answer, type Handler, json } from "./answer.ts";
import { tagged } from "./etag.ts";

type ErrorCode = "TARGETING_KEY_MISSING" | "INVALID_CONTEXT" | "FLAG_NOT_FOUND";

/** OpenFeature's remote evaluation: errors too are in its form, because its clients read them. */
export const ofrepHandlers = (states: ReleaseStates) => {
  const evaluate = (state: ReleaseState, key: string) =>
    Effect.map(states.served(state.application), (served) => evaluateOfrep(state, served, key));
  return {
    evaluateFlag: (request) =>
      Effect.gen(function* () {
        const { key } = request.params as { readonly key: string };
        const context = contextOf(request);
        if ("errorCode" in context) return failed(400, context.errorCode, context.errorDetails, key);
        const state = states.of(key);
        const evaluation = state && (yield* evaluate(state, context.targetingKey));
        if (!evaluation)
          return failed(404, "FLAG_NOT_FOUND", `application ${key} is not known, or has no baseline yet`, key);
        return json(evaluation);
      }),
    evaluateFlags: (request) =>
      Effect.gen(function* () {
        const context = contextOf(request);
        if ("errorCode" in context) return failed(400, context.errorCode, context.errorDetails);
        const flags: Array<OfrepEvaluation> = [];
        for (const state of states.all()) {
          const evaluation = yield* evaluate(state, context.targetingKey);
          if (evaluation) flags.push(evaluation);
        }
        return tagged(request, JSON.stringify({ flags }));
      }),
  } satisfies Record<string, Handler>;
};

type Context = { readonly targetingKey: string } | { readonly errorCode: ErrorCode; readonly errorDetails: string };

/**
 * The key is asked for always, and not only while a candidate has traffic: who forgot it is to hear of it on the first day,
 * and not in the first canary.
 */
const contextOf = ({ body }: FastifyRequest): Context => {
  const context = isRecord(body) ? body.context : undefined;
  if (!isRecord(context))
    return { errorCode: "INVALID_CONTEXT", errorDetails: 'body: send {"context": {"targetingKey": "…"}}' };
  const { targetingKey } = context;
  if (typeof targetingKey === "string" && targetingKey !== "") return { targetingKey };
  return {
    errorCode: "TARGETING_KEY_MISSING",
    errorDetails: "body.context.targetingKey: send what stays on one arm, such as the conversation or the user",
  };
};

const failed = (status: number, errorCode: ErrorCode, errorDetails: string, key?: string): Answer => ({
  send: (reply: FastifyReply) =>
    reply
      .code(status)
      .type("application/json")
      .send({ ...(key !== undefined && { key }), errorCode, errorDetails }),
});

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
