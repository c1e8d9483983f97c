interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}

let policy: { createScriptURL(url: string): unknown } | undefined;

/** Where Trusted Types are enforced, a worker's URL has to be vouched for. Only for URLs of the build's own. */
export function trustedUrl(url: string): string {
  const trustedTypes = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!trustedTypes) return url;
  policy ??= trustedTypes.createPolicy("arise-worker", { createScriptURL: (own) => own });
  return policy.createScriptURL(url) as string;
}
