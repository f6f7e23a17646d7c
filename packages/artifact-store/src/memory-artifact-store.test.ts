import { artifactStoreContract } from "./artifact-store-contract.ts";
import { layerMemory } from "./memory-artifact-store.ts";

artifactStoreContract("artifacts in memory", layerMemory);
