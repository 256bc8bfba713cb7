/** What is said where somebody asks without a policy. */
export const notJudged = "No policy was given: nothing was judged (--policy FILE).";

/** What an audit never looks at, for whoever runs it and for whoever is audited. */
export const never: readonly string[] = [
  "what files contain, other than programs and the manifests of packages and extensions",
  "browsing: history, cookies, open pages",
  "shell history, and what anybody has typed",
  "the network: it opens no connection",
];
