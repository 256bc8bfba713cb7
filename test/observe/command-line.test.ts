import { describe, expect, test } from "vitest";
import { interpreterNamed, packageOf, packageRun, runsOf } from "#observe/command-line.ts";

/** What a command line runs, in words: the argument that names it. */
function runs(line: string): string {
  const argv = line.split(" ");
  const interpreter = interpreterNamed(argv[0]?.split("/").at(-1) ?? "");
  if (interpreter === undefined) return "no interpreter";
  const found = runsOf(interpreter, argv);
  switch (found.what) {
    case "file":
      return `file ${argv[found.index]}`;
    case "module":
      return `module ${argv[found.index]?.slice(found.skip)}`;
    case "package":
      return `package ${JSON.stringify(packageOf(found, argv))}`;
    case "code":
      return `code from ${found.from}`;
    case "nothing":
      return "nothing";
    default:
      return found satisfies never;
  }
}

describe("what an interpreter runs", () => {
  test.each([
    ["node cli.js", "file cli.js"],
    ["/usr/bin/node --no-warnings=x --require ./a.js --max-old-space-size=8192 /x/cli.js --eval", "file /x/cli.js"],
    ["node -r a -r b c", "file c"],
    ["node -e code cli.js", "code from an argument"],
    ["node -p 1", "code from an argument"],
    ["node", "code from standard input"],
    ["node - cli.js", "code from standard input"],
    ["node -- cli.js", "file cli.js"],
    ["node inspect cli.js", "file cli.js"],
    ["nodejs --title x cli.js", "file cli.js"],
    ["node26 cli.js", "file cli.js"],
    ["bun cli.ts", "file cli.ts"],
    ["bun run --cwd /x cli.ts", "file cli.ts"],
    ["bun x @scope/name@1.2 arg", 'package {"ecosystem":"npm","id":"@scope/name","version":"1.2"}'],
    ["bun install cli.ts", "nothing"],
    ["bun __proto__", "file __proto__"],
    ["deno run --allow-all cli.ts", "file cli.ts"],
    ["deno run -A npm:@scope/name@1/bin", 'package {"ecosystem":"npm","id":"@scope/name","version":"1"}'],
    ["deno eval code", "code from an argument"],
    ["python3.11 -u tool.py", "file tool.py"],
    ["python -m aider --model x", "module aider"],
    ["python3 -Im aider", "module aider"],
    ["python3 -maider", "module aider"],
    ["python3 -Wignore -X dev tool.py", "file tool.py"],
    ["python3 -uc code", "code from an argument"],
    ["python3.13t tool.py", "file tool.py"],
    ["ruby -I lib tool.rb", "file tool.rb"],
    ["perl -Mstrict -ne code file", "code from an argument"],
    ["perl -w tool.pl", "file tool.pl"],
    ["php -d a=b -f tool.php", "file tool.php"],
    ["java -cp a:b -jar tool.jar x.jar", "file tool.jar"],
    ["sh /x/tool arg", "file /x/tool"],
    ["bash -o pipefail -eu tool", "file tool"],
    ["bash -lc command", "code from an argument"],
    ["sh -c command tool", "code from an argument"],
    ["vim cli.js", "no interpreter"],
    ["nodemon cli.js", "no interpreter"],
    ["pythonista x.py", "no interpreter"],
    ["tail -f node", "no interpreter"],
  ])("%s: %s", (line, expected) => {
    expect(runs(line)).toBe(expected);
  });
});

describe("the package that a runner fetches", () => {
  test.each([
    ["npx", "npx @anthropic-ai/claude-code", "npm", "@anthropic-ai/claude-code"],
    ["npx", "npx --yes -w ws @scope/name@latest --flag other", "npm", "@scope/name"],
    ["npx-cli.js", "npx -p real-package command", "npm", "real-package"],
    ["npm-cli.js", "npm exec --package=real -- command", "npm", "real"],
    ["bunx", "bunx cowsay", "npm", "cowsay"],
    ["pnpm", "pnpm dlx cowsay", "npm", "cowsay"],
    ["uvx", "uvx --python 3.12 Aider_Chat[all]==0.86", "pypi", "aider-chat"],
    ["uvx", "uvx --from aider-chat aider", "pypi", "aider-chat"],
    ["uv", "uv tool run aider-chat", "pypi", "aider-chat"],
    ["pipx", "pipx run --spec aider-chat aider", "pypi", "aider-chat"],
  ])("%s: %s", (name, line, ecosystem, id) => {
    expect(packageRun(name, line.split(" "), 1)).toMatchObject({ ecosystem, id });
  });

  test.each([
    ["npm", "npm install claude"],
    ["npx", "npx --help"],
    ["npx", "npx ./local"],
    ["npx", "npx github:owner/repository"],
    ["uv", "uv pip install aider-chat"],
    ["uvx", "uvx git+https://example.com/x.git"],
    ["vim", "vim npx claude"],
  ])("%s: %s runs none", (name, line) => {
    expect(packageRun(name, line.split(" "), 1)).toBeUndefined();
  });
});
