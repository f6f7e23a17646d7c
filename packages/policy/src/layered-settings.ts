/** Settings as somebody wrote them: what is left out comes from the layer below, at last from the defaults. */
export interface SettingsLayer {
  /** Who says so, for people: `organisation.yaml`, `environment production of sluice.yaml`. */
  readonly source: string;
  readonly written: unknown;
}

export interface ExplainedSetting {
  /** Such as `canary.metrics.errorRate.ceiling`. */
  readonly path: string;
  readonly value: unknown;
  /** Null: nobody says so, it is the default. */
  readonly source: string | null;
}

type Group = Readonly<Record<string, unknown>>;

export const isGroup = (value: unknown): value is Group =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * What the layers say together, the last one winning setting by setting. Lists are settings, not groups: a longer ramp is
 * not a mixture of two. A group that names its `kind` is one choice with what belongs to it, and is replaced as a whole too.
 */
export const mergeLayers = (layers: ReadonlyArray<SettingsLayer>): unknown =>
  layers.reduce<unknown>((below, { written }) => (written === undefined ? below : merge(below, written)), {});

const merge = (below: unknown, above: unknown): unknown => {
  if (!isGroup(below) || !isGroup(above) || "kind" in above) return above;
  const merged = Object.entries(above).map(([name, value]) => [name, merge(below[name], value)]);
  return { ...below, ...Object.fromEntries(merged) };
};

/** Every setting of the effective value (defaults filled in), and which layer it is from. */
export const explainSettings = (
  effective: unknown,
  layers: ReadonlyArray<SettingsLayer>,
): ReadonlyArray<ExplainedSetting> => explain(effective, layers, "");

const explain = (
  effective: unknown,
  layers: ReadonlyArray<SettingsLayer>,
  path: string,
): ReadonlyArray<ExplainedSetting> => {
  if (!isGroup(effective)) {
    const source = layers.findLast(({ written }) => written !== undefined)?.source ?? null;
    return [{ path, value: effective, source }];
  }
  return Object.entries(effective).flatMap(([name, value]) => {
    const below = layers.map(({ source, written }) => ({
      source,
      written: isGroup(written) ? written[name] : undefined,
    }));
    return explain(value, below, path === "" ? name : `${path}.${name}`);
  });
};
