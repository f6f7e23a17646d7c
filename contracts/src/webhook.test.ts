import { assert, it } from "@effect/vitest";
import { faultOfWebhookSecret } from "./webhook.ts";

it("a webhook's key that would sign as another or an empty one is refused without being told", () => {
  for (const good of ["any text", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_YWI=", "whsec_YWI", "whsec_YQ=="])
    assert.isNull(faultOfWebhookSecret(good), good);
  for (const bad of ["whsec_", "whsec_not base64", "whsec_***", "whsec_YWJjZ", "whsec_YQ==\n"]) {
    const fault = faultOfWebhookSecret(bad);
    assert.match(fault ?? "", /base64 of the key does not follow/);
    assert.isTrue(bad === "whsec_" || !fault?.includes(bad));
  }
  assert.match(faultOfWebhookSecret("") ?? "", /is empty/);
});
