import { expect, test } from "vitest";
import { parseUninstallKeys } from "#observe/readers/uninstall-keys.ts";

/** In the form of `reg export`. */
const exported = [
  "Windows Registry Editor Version 5.00",
  "",
  "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall]",
  "",
  "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{DADADADA-ADAD-ADAD-ADAD-ADADADADADAD}}_is1]",
  '"DisplayName"="Cursor (User)"',
  '"DisplayVersion"="1.7.28"',
  '"Publisher"="Anysphere \\"Inc\\""',
  '"InstallLocation"="C:\\\\Users\\\\ann\\\\AppData\\\\Local\\\\Programs\\\\cursor\\\\"',
  '"EstimatedSize"=dword:000b71b0',
  '"UninstallString"=hex(2):22,00,43,00,\\',
  "  3a,00,5c,00",
  "",
  "[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Anthropic.ClaudeCode_Microsoft.Winget.Source_8wekyb3d8bbwe]",
  '"DisplayName"="Claude Code"',
  '"DisplayVersion"="2.1.0"',
  '"WinGetPackageIdentifier"="Anthropic.ClaudeCode"',
  "",
  "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Connection Manager]",
  '"SystemComponent"=dword:00000001',
  "",
  "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Other\\Uninstall\\Fake]",
  '"DisplayName"="not an entry"',
  "",
].join("\r\n");

const entries = [
  {
    key: "{DADADADA-ADAD-ADAD-ADAD-ADADADADADAD}}_is1",
    name: "Cursor (User)",
    version: "1.7.28",
    publisher: 'Anysphere "Inc"',
    location: "C:\\Users\\ann\\AppData\\Local\\Programs\\cursor\\",
  },
  {
    key: "Anthropic.ClaudeCode_Microsoft.Winget.Source_8wekyb3d8bbwe",
    name: "Claude Code",
    version: "2.1.0",
    winget: "Anthropic.ClaudeCode",
  },
];

test("an export lists what Windows lists as installed, in both forms of its text", () => {
  const wide = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(exported, "utf16le")]);
  expect(parseUninstallKeys(wide)).toEqual(entries);
  expect(parseUninstallKeys(Buffer.from(exported))).toEqual(entries);
});

test("an export that is cut anywhere lists what came before, and one of nonsense nothing", () => {
  const wide = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(exported, "utf16le")]);
  for (let length = 0; length <= wide.length; length += 7) {
    const found = parseUninstallKeys(wide.subarray(0, length)).map(({ name }) => name);
    expect(entries.map(({ name }) => name).slice(0, found.length)).toEqual(found);
  }
  expect(parseUninstallKeys(Buffer.alloc(100_000, "["))).toEqual([]);
  expect(parseUninstallKeys(Buffer.from(`[HKEY_X\\CurrentVersion\\Uninstall\\__proto__]\n"__proto__"="x"\n`))).toEqual(
    [],
  );
});
