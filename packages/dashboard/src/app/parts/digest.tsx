import { shortDigest } from "../domain/words.ts";
import { linkTo } from "../router.ts";

export const DigestText = ({ digest }: { readonly digest: string }) => (
  <code class="digest" title={digest}>
    {shortDigest(digest)}
  </code>
);

export const DigestLink = ({ digest }: { readonly digest: string }) => (
  <a href={linkTo.artifact(digest)}>
    <DigestText digest={digest} />
  </a>
);
