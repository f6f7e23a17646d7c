import { asyncApi } from "./asyncapi.ts";
import { gatewayOpenApi, registryOpenApi } from "./openapi.ts";
import { schemaFiles } from "./schema-files.ts";

/** Everything that is generated: path below `contracts/generated`, and text. The same contracts give the same bytes. */
export const generatedFiles = (): ReadonlyMap<string, string> => {
  const documents = new Map<string, unknown>([
    ...schemaFiles(),
    ["asyncapi.json", asyncApi()],
    ["openapi.json", registryOpenApi()],
    ["openapi-gateway.json", gatewayOpenApi()],
  ]);
  return new Map([...documents].map(([path, value]) => [path, `${JSON.stringify(value, null, 2)}\n`]));
};
