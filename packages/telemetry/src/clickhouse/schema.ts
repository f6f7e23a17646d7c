import { calibrationViews } from "./calibration-views.ts";
import { kpiViews } from "./kpi-views.ts";
import { onCluster } from "./on-cluster.ts";
import { rollupTables } from "./rollup-tables.ts";
import { tables } from "./tables.ts";

/**
 * Everything that ClickHouse must have, in order; each statement may be run again, and none takes anything away (but see
 * `move-texts.ts`). For one server, or for the cluster of that name.
 */
export const clickHouseSchema = (cluster: string | null): ReadonlyArray<string> => {
  const statements = [...tables, ...rollupTables, ...kpiViews, ...calibrationViews];
  return cluster === null ? statements : onCluster(statements, cluster);
};
