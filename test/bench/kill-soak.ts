import { randomSource } from "@sluice/statistics";
import { KilledStack, type Story } from "../support/killed-stack.ts";

/**
 * kill -9 of the process at random instants of releases, and each release compared with one that nobody disturbed: the same
 * decisions on record, the same end, one page. `node test/bench/kill-soak.ts [kills] [seed]`
 */
const [kills = 200, seed = 1] = process.argv.slice(2).map(Number);
const random = randomSource(seed);
const stack = await KilledStack.open();
const same = (story: Story, like: Story): boolean =>
  JSON.stringify(story.decisions) === JSON.stringify(like.decisions) &&
  story.phase === like.phase &&
  story.recordFaults.length === 0 &&
  story.pages.length === 1;

const undisturbed = await stack.tell("undisturbed", 0, random);
console.log(`undisturbed: ${undisturbed.decisions.join(", ")}; ${undisturbed.phase}, ${undisturbed.pages.length} page`);
let done = 0;
let different = 0;
let holds = 0;
for (let release = 1; done < kills; release++) {
  const story = await stack.tell(`app-${release}`, Math.min(8, kills - done), random);
  done += story.kills;
  holds += story.holds;
  if (same(story, undisturbed)) continue;
  different += 1;
  console.log(`app-${release} differs after ${story.kills} kills: ${JSON.stringify(story)}`);
}
await stack.close();
console.log(`${done} kills, ${different} releases differ; ${holds} holds for what was missing while nobody lived`);
process.exitCode = different === 0 ? 0 : 1;
