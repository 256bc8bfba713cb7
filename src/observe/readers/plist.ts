import { parseBinaryPlist } from "#observe/readers/plist-binary.ts";
import { parseXml, type Markup } from "#observe/readers/xml.ts";

/** An Info.plist is read up to this many bytes; large ones have some hundred kilobytes. */
export const longestPlist = 2 * 1024 * 1024;
/** Characters of any text in it that is believed: real ones have some dozens. */
const longestText = 255;

/** What a bundle says of itself (Information Property List, Apple); what it does not say is undefined. */
export interface Bundle {
  readonly identifier: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** The name of its program, in Contents/MacOS; not a path. */
  readonly executable: string | undefined;
}

/** An Info.plist in XML or in binary form; undefined where it is none, or names no bundle. */
export function parseInfoPlist(bytes: Uint8Array): Bundle | undefined {
  if (bytes.length > longestPlist) return undefined;
  const texts = parseBinaryPlist(bytes) ?? parseXmlPlist(bytes);
  const say = (key: string): string | undefined => {
    const text = texts?.get(key) ?? "";
    return text === "" || text.length > longestText ? undefined : text;
  };
  const [identifier, executable] = [say("CFBundleIdentifier"), say("CFBundleExecutable")];
  if (identifier === undefined) return undefined;
  return {
    identifier,
    name: say("CFBundleName"),
    version: say("CFBundleShortVersionString"),
    executable: executable?.includes("/") === true ? undefined : executable,
  };
}

/** The texts in the topmost dictionary, by their keys (plist(5)). */
function parseXmlPlist(bytes: Uint8Array): ReadonlyMap<string, string> | undefined {
  const markup = parseXml(bytes)?.filter((m) => m.what !== "text" || m.text.trim() !== "");
  const [plist, dict] = markup ?? [];
  if (markup === undefined || !opens(plist, "plist") || !opens(dict, "dict")) return undefined;
  const texts = new Map<string, string>();
  let [depth, key, name, text] = [0, "", "", ""];
  for (const part of markup.slice(2)) {
    if (part.what === "text") text += part.text;
    else if (part.what === "open") [depth, name, text] = [depth + 1, part.name, ""];
    else {
      if (depth === 1 && part.name === "key" && name === "key") key = text;
      else if (depth === 1 && part.name === "string" && name === "string" && !texts.has(key)) texts.set(key, text);
      depth -= 1;
      if (depth < 0) break;
    }
  }
  return texts;
}

function opens(part: Markup | undefined, name: string): boolean {
  return part?.what === "open" && part.name === name;
}
