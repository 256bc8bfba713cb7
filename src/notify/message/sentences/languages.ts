import { en } from "#notify/message/sentences/en.ts";
import type { Sentences } from "#notify/message/sentences/sentences.ts";
import { zhCn } from "#notify/message/sentences/zh-cn.ts";

/** To add a language: one file like `en.ts`, one line here. Anybody else reads English. */
const catalogue: readonly Sentences[] = [en, zhCn];

export function sentencesFor(language: string): Sentences {
  return lookup(language, catalogue, (s) => s.language) ?? en;
}

/**
 * RFC 4647, 3.4: the range loses its last part until something fits. Then, unlike there, whatever has the same language:
 * a person from zh-TW is better served by zh-CN than by English.
 */
export function lookup<T>(range: string, choices: readonly T[], tagOf: (choice: T) => string): T | undefined {
  const parts = range.toLowerCase().split("-");
  for (let n = parts.length; n > 0; n -= 1) {
    const wanted = parts.slice(0, n).join("-");
    const found = choices.find((c) => tagOf(c).toLowerCase() === wanted);
    if (found !== undefined) return found;
  }
  return choices.find((c) => tagOf(c).toLowerCase().split("-")[0] === parts[0]);
}
