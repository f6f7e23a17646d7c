import { type deadLetterRoutes, ReplayDeadLetterBody } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { listDeadLetters, replayDeadLetter } from "../../application/dead-letters.ts";
import { type Handler, json } from "./answer.ts";
import { decodeBody } from "./decode-body.ts";

/** What no service could read, for operators. */
export const deadLetterHandlers: { readonly [Route in keyof typeof deadLetterRoutes]: Handler } = {
  listDeadLetters: () => Effect.map(listDeadLetters, (deadLetters) => json({ deadLetters })),
  replayDeadLetter: (request, { author }) =>
    Effect.gen(function* () {
      const replayed = yield* replayDeadLetter(decodeBody(ReplayDeadLetterBody, request.body).id);
      yield* Effect.logInfo("a dead letter was replayed").pipe(
        Effect.annotateLogs({ deadLetter: replayed.id, by: author.id }),
      );
      return json(replayed);
    }),
};
