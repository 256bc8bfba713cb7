import { expect, test } from "vitest";
import { languageOf } from "#platform/linux/language.ts";

test.each([
  [{}, "en"],
  [{ LANG: "C.UTF-8" }, "en"],
  [{ LANG: "POSIX" }, "en"],
  [{ LANG: "zh_CN.UTF-8" }, "zh-CN"],
  [{ LANG: "sr_RS@latin" }, "sr-RS"],
  [{ LANG: "de" }, "de"],
  [{ LANG: "en_US.UTF-8", LC_MESSAGES: "fr_FR.UTF-8" }, "fr-FR"],
  [{ LANG: "en_US.UTF-8", LC_MESSAGES: "fr_FR.UTF-8", LC_ALL: "pt_BR.UTF-8" }, "pt-BR"],
  [{ LANG: "en_US.UTF-8", LC_ALL: "" }, "en-US"],
  [{ LANG: "en_US.UTF-8", LANGUAGE: "zh_TW:en" }, "zh-TW"],
  [{ LANG: "C", LANGUAGE: "zh_TW" }, "en"],
  [{ LANG: "../../etc/passwd\n" }, "en"],
])("%j is %s", (environment, tag) => {
  expect(languageOf(new Map(Object.entries(environment)))).toBe(tag);
});
