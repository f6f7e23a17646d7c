import { ApplicationName, ErasureBody, type erasureRoutes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { listErasures, requestErasure } from "../../application/erasures.ts";
import { type Handler, json, parameter } from "./answer.ts";
import { decodeBody } from "./decode-body.ts";

/** Users' right to have their texts forgotten. */
export const erasureHandlers: { readonly [Route in keyof typeof erasureRoutes]: Handler } = {
  requestErasure: (request, intention) =>
    Effect.map(
      requestErasure(
        parameter(request, "application", ApplicationName),
        decodeBody(ErasureBody, request.body),
        intention,
      ),
      json,
    ),
  listErasures: (request) => Effect.map(listErasures(parameter(request, "application", ApplicationName)), json),
};
