import { AccessToken, AuthorId, Role, TokenCreatedBody, TokenId, TokensBody } from "@sluice/contracts";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { json, text, url, whole } from "../flags.ts";
import { print, printJson } from "../output.ts";
import { printable } from "../printable.ts";
import { askRegistry, registryAddress } from "../registry-client.ts";
import { table } from "./kpi.ts";
import { readRegistry } from "./release-read.ts";

const createCommand = Command.make(
  "create",
  {
    subject: Flag.String("subject").pipe(
      Flag.withDescription("Whose it is: one person or one machine; the author of what is done with it"),
      Flag.withSchema(AuthorId),
    ),
    role: Flag.Literals("role", Role.literals).pipe(Flag.withDescription("What it may do")),
    team: text("team", "Of the analysts' tables it reads this team's releases only", 100).pipe(Flag.optional),
    days: whole("expires-in-days", "1 to 366", 1, 366).pipe(Flag.withDefault(90)),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const { subject, role, days: expiresInDays } = flags;
      const body = { subject, role, team: Option.getOrNull(flags.team), expiresInDays };
      const { answer, value } = yield* askRegistry(
        registryAddress(Option.getOrUndefined(flags.url)),
        { method: "POST", path: "/v1/tokens", body },
        TokenCreatedBody,
      );
      if (flags.json) return yield* printJson(answer);
      const { token, created } = value;
      yield* print(`${token}`);
      yield* print(
        `${created.tokenId} for ${printable(created.subject)}, ${created.role}, until ${created.expiresAt};`,
      );
      yield* print("shown once: it is kept nowhere");
    }),
).pipe(Command.withDescription("Make a bearer token (role admin)"));

const listCommand = Command.make("list", { url, json }, (flags) =>
  Effect.gen(function* () {
    const { tokens } = yield* readRegistry(registryAddress(Option.getOrUndefined(flags.url)), "/v1/tokens", TokensBody);
    if (flags.json) return yield* printJson({ tokens });
    const rows = tokens.map(({ tokenId, subject, role, team, expiresAt, revokedAt }) => ({
      id: tokenId,
      subject: printable(subject),
      role,
      team: team === null ? null : printable(team),
      expires: expiresAt,
      revoked: revokedAt,
    }));
    for (const line of table(rows)) yield* print(line);
  }),
).pipe(Command.withDescription("Every token, without the token itself (role admin)"));

const revokeCommand = Command.make(
  "revoke",
  {
    tokenId: Argument.String("token-id").pipe(
      Argument.withDescription("As `token list` shows it"),
      Argument.withSchema(TokenId),
    ),
    url,
    json,
  },
  (flags) =>
    Effect.gen(function* () {
      const { answer, value: revoked } = yield* askRegistry(
        registryAddress(Option.getOrUndefined(flags.url)),
        { method: "POST", path: `/v1/tokens/${encodeURIComponent(flags.tokenId)}/revoke` },
        AccessToken,
      );
      if (flags.json) return yield* printJson(answer);
      yield* print(`${revoked.tokenId} of ${printable(revoked.subject)} opens nothing since ${revoked.revokedAt}`);
    }),
).pipe(Command.withDescription("Let a token open nothing any more (role admin)"));

export const tokenCommand = Command.make("token").pipe(
  Command.withDescription("Bearer tokens: who may do what, and until when"),
  Command.withSubcommands([createCommand, listCommand, revokeCommand]),
);
