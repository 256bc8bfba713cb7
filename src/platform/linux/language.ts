/** The variables that choose the language of messages, the first that is set wins (locale(7)); LANGUAGE is a list. */
const variables = ["LC_ALL", "LC_MESSAGES", "LANG"] as const;

/** "zh_CN.UTF-8" to "zh-CN", "sr_RS@latin" to "sr-RS". Undefined for C, POSIX and what is no locale. */
export function localeToTag(locale: string): string | undefined {
  const match = /^([a-z]{2,3})(?:[_-]([A-Za-z]{2}|\d{3}))?(?:[.@].{0,32})?$/.exec(locale);
  if (match === null) return undefined;
  const [, language = "", region] = match;
  return region === undefined ? language : `${language}-${region.toUpperCase()}`;
}

/** BCP 47 of a session's environment; "en" where it does not say. LANGUAGE counts only beside a real locale, as in gettext. */
export function languageOf(environment: ReadonlyMap<string, string>): string {
  const chosen = variables.map((name) => environment.get(name)).find((value) => value !== undefined && value !== "");
  const tag = chosen === undefined ? undefined : localeToTag(chosen);
  if (tag === undefined) return "en";
  const preferred = environment
    .get("LANGUAGE")
    ?.split(":")
    .map(localeToTag)
    .find((t) => t !== undefined);
  return preferred ?? tag;
}
