import type { Policy } from "@sluice/contracts";
import { isGroup } from "./layered-settings.ts";
import { policyStrictness } from "./strictness.ts";

export interface LooserSetting {
  readonly path: string;
  readonly value: unknown;
  readonly floor: unknown;
  /** What would be strict enough, in words. */
  readonly fix: string;
}

/** The settings in which a policy is looser than its floor; empty where it is as strict everywhere. */
export const looserSettings = (policy: Policy, floor: Policy): ReadonlyArray<LooserSetting> =>
  compare(policyStrictness, policy, floor, "");

type AnyOrder = string | ReadonlyArray<unknown> | ((value: unknown, floor: unknown) => boolean);

const compare = (order: unknown, value: unknown, floor: unknown, path: string): ReadonlyArray<LooserSetting> => {
  if (isGroup(order) && isGroup(value) && isGroup(floor))
    return Object.keys(order).flatMap((name) =>
      compare(order[name], value[name], floor[name], path === "" ? name : `${path}.${name}`),
    );
  const fix = isLooser(order as AnyOrder, value, floor);
  return fix === null ? [] : [{ path, value, floor, fix }];
};

/** Null where the value is strict enough; else what would be. */
const isLooser = (order: AnyOrder, value: unknown, floor: unknown): string | null => {
  if (typeof order === "function") return order(value, floor) ? "make it as strict" : null;
  if (typeof order !== "string")
    return order.indexOf(value) < order.indexOf(floor)
      ? `make it ${order.slice(order.indexOf(floor)).map(String).join(" or ")}`
      : null;
  if (order === "free" || floor === null) return null;
  const isStrict =
    typeof value === "number" && typeof floor === "number" && (order === "lower" ? value <= floor : value >= floor);
  return isStrict ? null : `make it at ${order === "lower" ? "most" : "least"} ${floor}`;
};

/** One sentence: which setting, its value, what it is measured against, and what to do. */
export const looserSentence = ({ path, value, floor, fix }: LooserSetting, floorName: string): string =>
  `${path} is ${shown(value)}, looser than ${shown(floor)} of ${floorName}; ${fix}`;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
};
