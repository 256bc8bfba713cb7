import { expect, test } from "vitest";
import { parseAppxManifest } from "#observe/readers/appx-manifest.ts";
import { parsePluginXml } from "#observe/readers/plugin-xml.ts";
import { parseXml } from "#observe/readers/xml.ts";
import { hostile } from "./seam.ts";

const markup = (text: string) => parseXml(Buffer.from(text));
const open = (name: string, attributes: Readonly<Record<string, string>> = {}) => ({
  what: "open",
  name,
  attributes: new Map(Object.entries(attributes)),
});
const close = (name: string) => ({ what: "close", name });

test("elements, attributes and texts are read in order", () => {
  expect(markup(`<?xml version="1.0"?><!-- a > b --><a x='1' y = "2 > 1"><b/>c &amp; d<![CDATA[<e>]]></a>`)).toEqual([
    open("a", { x: "1", y: "2 > 1" }),
    open("b"),
    close("b"),
    { what: "text", text: "c & d" },
    { what: "text", text: "<e>" },
    close("a"),
  ]);
  expect(markup("<a>&#x4e2d;&#65;&lt;</a>")?.[1]).toEqual({ what: "text", text: "中A<" });
  expect(parseXml(Buffer.from("\u{feff}<a b='中'/>", "utf16le"))).toEqual([open("a", { b: "中" }), close("a")]);
});

/** Bytes of another encoding, with what declares one. */
const cafe = (head: string) => parseXml(Buffer.concat([Buffer.from(head), Buffer.from("<a>caf\u00e9</a>", "latin1")]));

test("a text is read in the encoding that it declares, where that is one", () => {
  const text = { what: "text", text: "caf\u00e9" };
  expect(cafe('<?xml version="1.0" encoding="ISO-8859-1"?>')).toEqual([open("a"), text, close("a")]);
  for (const name of ["UTF-8", "none-such", "utf-16", ""])
    expect(cafe(`<?xml version="1.0" encoding="${name}"?>`)).toBeUndefined();
  expect(markup('<?xml version="1.0" encoding="UTF-16"?><a/>')).toEqual([open("a"), close("a")]);
});

test.each([
  ["an entity of its own", `<!DOCTYPE a [<!ENTITY b "cccc">]><a>&b;</a>`],
  ["an entity from elsewhere", `<!DOCTYPE a SYSTEM "a.dtd" [ <!ENTITY b SYSTEM "file:///etc/passwd"> ]><a/>`],
  ["an entity that nobody defined", "<a>&b;</a>"],
  ["a declaration", "<!ENTITY b 'c'><a/>"],
  ["half a surrogate", "<a>&#xd800;</a>"],
  ["a character past the last one", "<a>&#x110000;</a>"],
  ["elements that end in another order", "<a><b></a></b>"],
  ["an element that does not end", "<a>"],
  ["an attribute twice", "<a b='1' b='2'/>"],
  ["an attribute without quotes", "<a b=1/>"],
  ["a tag that does not end", "<a b='1"],
  ["a comment that does not end", "<!-- <a/>"],
  ["more than 64 elements inside each other", `${"<a>".repeat(65)}${"</a>".repeat(65)}`],
  ["bytes that are no text", "<a>\u{fffd}</a>"],
])("%s is refused", (what, text) => {
  const bytes = what === "bytes that are no text" ? Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e]) : Buffer.from(text);
  expect(parseXml(bytes)).toBeUndefined();
});

const manifest = `<?xml version="1.0" encoding="utf-8"?>
<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10">
  <Identity Name="Claude" Publisher="CN=&quot;Anthropic, PBC&quot;, C=US" Version="1.2.3.0" ProcessorArchitecture="x64" />
  <Properties><DisplayName>Claude</DisplayName></Properties>
</Package>`;

test("a package of Windows says its name, its publisher and its version", () => {
  expect(parseAppxManifest(Buffer.from(manifest))).toEqual({
    name: "Claude",
    publisher: 'CN="Anthropic, PBC", C=US',
    version: "1.2.3.0",
  });
  expect(
    parseAppxManifest(Buffer.from("<Package><A><Identity Name='a' Publisher='b'/></A></Package>")),
  ).toBeUndefined();
  expect(parseAppxManifest(Buffer.from("<Bundle><Identity Name='a' Publisher='b'/></Bundle>"))).toBeUndefined();
  expect(parseAppxManifest(Buffer.from("<Package><Identity Name='a'/></Package>"))).toBeUndefined();
});

const plugin = `<?xml version="1.0" encoding="GBK"?>
<idea-plugin><id>a.tool</id><name>Tool</name><version>1.0</version><vendor>A<![CDATA[B]]></vendor></idea-plugin>`;

test("cut or spoilt manifests are read without an exception", () => {
  expect(hostile(Buffer.from(manifest), parseAppxManifest)).toBeGreaterThan(4000);
  expect(hostile(Buffer.from(plugin), parsePluginXml)).toBeGreaterThan(4000);
});
