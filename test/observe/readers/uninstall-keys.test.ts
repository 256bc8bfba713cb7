import { expect, test } from "vitest";
import { longestRegistry, parseUninstallKeys } from "#observe/readers/uninstall-keys.ts";
import { hostile } from "./seam.ts";

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

/** As Wine 10 wrote it, but for what is left out. */
const hive = String.raw`WINE REGISTRY Version 2
;; All keys relative to REGISTRY\\Machine

#arch=win64

[Software\\Classes\\Msi.Package\\shell\\Uninstall\\command] 1795670050
#time=1dd7d64f875360e
@="C:\\windows\\system32\\msiexec.exe /x \"%1\""

[Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\\xdcml\xe4ut \[x\] \x6e38\x6807] 1795670051
#time=1dd7d64f8b745c0
"DisplayName"="O"

[Software\\Microsoft\\Windows\\CurrentVersion\\UNINSTALL\\{DADADADA-ADAD-ADAD-ADAD-ADADADADADAD}}_is1] 1795670051
#time=1dd7d64f8b1626e
"DisplayName"="Cursor \"Beta\" \x6e38\x6807"
"DisplayVersion"="1.7.28"
"InstallLocation"="C:\\new\\tools\\"

[Software\\Wow6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Small] 1795670051
#time=1dd7d64f8c28512
"DisplayName"=str(2):"%x%"
`;

test("a hive of Wine's lists what its Windows would, names in every script", () => {
  expect(parseUninstallKeys(Buffer.from(hive))).toEqual([
    { key: "Ümläut [x] 游标", name: "O" },
    {
      key: "{DADADADA-ADAD-ADAD-ADAD-ADADADADADAD}}_is1",
      name: 'Cursor "Beta" 游标',
      version: "1.7.28",
      location: "C:\\new\\tools\\",
    },
  ]);
  expect(parseUninstallKeys(Buffer.from(hive.replace("Version 2", "Version 3")))).toEqual([]);
  expect(parseUninstallKeys(Buffer.from(hive.replaceAll(/uninstall\\\\/gi, "Uninstal\\\\")))).toEqual([]);
});

test("spoilt registries are read without an exception, and a long one of nothing is read line by line", () => {
  for (const one of [hive, exported]) expect(hostile(Buffer.from(one), parseUninstallKeys, 2000)).toBeGreaterThan(2000);
  expect(parseUninstallKeys(Buffer.concat([Buffer.alloc(longestRegistry - 100, "\n"), Buffer.from("[")]))).toEqual([]);
  expect(parseUninstallKeys(Buffer.concat([Buffer.from(hive), Buffer.alloc(longestRegistry)]))).toEqual([]);
});
