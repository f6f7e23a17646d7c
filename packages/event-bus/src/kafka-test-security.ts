import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const testUser = { username: "sluice", password: "a-password-of-the-tests" } as const;

export interface SecuredListener {
  readonly address: string;
  /** PEM of the authority to trust. */
  readonly ca: string;
}

const STORE_PASSWORD = "of-no-secret";

/** A key pair for 127.0.0.1 in the broker's store, made by the tool that comes with Java; its certificate as PEM. */
export const selfSigned = async (folder: string): Promise<string> => {
  const store = [
    "-keystore",
    storeOf(folder),
    "-storetype",
    "PKCS12",
    "-storepass",
    STORE_PASSWORD,
    "-alias",
    "broker",
  ];
  const name = ["-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1,dns:localhost", "-keyalg", "EC", "-validity", "2"];
  await run("keytool", ["-genkeypair", ...store, ...name]);
  const certificate = join(folder, "ca.pem");
  await run("keytool", ["-exportcert", "-rfc", ...store, "-file", certificate]);
  return readFileSync(certificate, "utf8");
};

const storeOf = (folder: string) => join(folder, "broker.p12");

const jaas = (mechanism: string, module: string, options = "") =>
  `listener.name.secured.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${module} required${options};`;

/** A listener that asks for TLS and one of all mechanisms. Bearer tokens are unsigned: whom to trust is no matter of the client. */
export const securedProperties = (folder: string): string => `
listener.name.secured.ssl.keystore.type=PKCS12
listener.name.secured.ssl.keystore.location=${storeOf(folder)}
listener.name.secured.ssl.keystore.password=${STORE_PASSWORD}
listener.name.secured.ssl.key.password=${STORE_PASSWORD}
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
${jaas("plain", "plain.PlainLoginModule", ` user_${testUser.username}="${testUser.password}"`)}
${jaas("scram-sha-256", "scram.ScramLoginModule")}
${jaas("scram-sha-512", "scram.ScramLoginModule")}
${jaas("oauthbearer", "oauthbearer.OAuthBearerLoginModule", ' unsecuredLoginStringClaim_sub="broker"')}
`;

export const scramUsers: ReadonlyArray<string> = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
  "--add-scram",
  `${mechanism}=[name=${testUser.username},password=${testUser.password}]`,
]);

/** An unsigned token (RFC 7519 §6) as an issuer would give it out. */
export const unsignedToken = (subject: string): string => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return `${part({ alg: "none" })}.${part({ sub: subject, iat: nowSeconds, exp: nowSeconds + 3_600 })}.`;
};
