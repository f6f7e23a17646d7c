import { layerMemory } from "./memory-token-store.ts";
import { tokenStoreContract } from "./token-store-contract.ts";

tokenStoreContract("tokens in memory", layerMemory);
