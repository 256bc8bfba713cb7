/** What an interpreter was told to run, as its command line says. */
export type Runs =
  /** A file, as argument `index`. */
  | { readonly what: "file"; readonly index: number }
  /** A module looked up by the interpreter itself (`python -m`); its name follows `skip` characters of the argument. */
  | { readonly what: "module"; readonly index: number; readonly skip: number }
  /** A package fetched and run by name (`npx`, `uvx` …): the argument as typed. */
  | { readonly what: "package"; readonly ecosystem: "npm" | "pypi"; readonly index: number; readonly skip: number }
  /** Code given in an argument, or on standard input. */
  | { readonly what: "code"; readonly from: "an argument" | "standard input" }
  /** Nothing: `node --version`, `bun install`. */
  | { readonly what: "nothing" };

/** How one interpreter reads its command line. All of it is data; `options` are its own, before the program argument. */
export interface Interpreter {
  /** Names of its program. Digits and dots may follow: python3.11, node26. */
  readonly names: readonly string[];
  /** Options whose value is the next argument. */
  readonly valued: readonly string[];
  /** Options after which code follows. */
  readonly code: readonly string[];
  /** Options after which a module's name follows. */
  readonly module?: readonly string[];
  /** Options after which the program file follows: `java -jar`, `php -f`. */
  readonly file?: readonly string[];
  /** Options with which it runs nothing. */
  readonly nothing?: readonly string[];
  /** One-letter options can stand together, the last one with a value: `python -Im x`, `sh -ec x`. */
  readonly clusters?: boolean;
  /** First words that are commands: what follows is a file, a package, or nothing that we could judge. */
  readonly commands?: Readonly<Record<string, "file" | "npm" | "code" | "nothing">>;
  /** Without a program argument it reads standard input; else it does nothing. */
  readonly stdin: boolean;
  /** A shell opens what it redirects: that is not running it. */
  readonly shell?: boolean;
  /** What it runs is a program, which can be an interpreter itself. */
  readonly loader?: boolean;
  /** Program arguments of this form name a package of npm: `deno run npm:cowsay`. */
  readonly npmPrefix?: string;
}

const shell: Interpreter = {
  names: ["sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "fish", "busybox"],
  valued: ["-o", "+o", "-O", "+O", "--rcfile", "--init-file", "-C", "--init-command"],
  code: ["-c", "--command"],
  clusters: true,
  stdin: true,
  shell: true,
};

/** ld.so(8): the loader, started with the program as its argument. Digits follow the names. */
const loader: Interpreter = {
  names: ["ld-linux-x86-64.so.", "ld-linux-aarch64.so.", "ld-musl-x86_64.so.", "ld-musl-aarch64.so.", "ld-linux.so."],
  valued: ["--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0"].concat([
    "--glibc-hwcaps-prepend",
    "--glibc-hwcaps-mask",
  ]),
  code: [],
  nothing: ["--list", "--verify"],
  stdin: false,
  loader: true,
};

const nothing = "nothing" as const;
/** node(1), bun and deno `--help`, python(1), ruby(1), perlrun(1), php(1), java(1), bash(1). */
export const interpreters: readonly Interpreter[] = [
  {
    names: ["node", "nodejs"],
    // Node takes "--option value" for its own options; those of V8 only "--option=value".
    valued: [
      "-r",
      "--require",
      "--import",
      "--loader",
      "--experimental-loader",
      "-C",
      "--conditions",
      "--env-file",
      "--env-file-if-exists",
      "--inspect-port",
      "--debug-port",
      "--title",
      "--icu-data-dir",
      "--openssl-config",
      "--redirect-warnings",
      "--disable-warning",
      "--trace-event-categories",
      "--trace-event-file-pattern",
      "--max-http-header-size",
      "--diagnostic-dir",
      "--report-dir",
      "--report-directory",
      "--report-filename",
      "--report-signal",
      "--heapsnapshot-signal",
      "--heapsnapshot-near-heap-limit",
      "--secure-heap",
      "--secure-heap-min",
      "--stack-trace-limit",
      "--tls-cipher-list",
      "--tls-keylog",
      "--unhandled-rejections",
      "--dns-result-order",
      "--watch-path",
      "--watch-kill-signal",
      "--input-type",
      "--experimental-config-file",
      "--localstorage-file",
    ],
    code: ["-e", "--eval", "-p", "--print", "-pe", "-ep"],
    commands: { inspect: "file" },
    stdin: true,
  },
  {
    names: ["bun"],
    valued: [
      "--cwd",
      "-r",
      "--preload",
      "--require",
      "--import",
      "-c",
      "--config",
      "--env-file",
      "-d",
      "--define",
      "-F",
    ],
    code: ["-e", "--eval", "-p", "--print"],
    commands: {
      run: "file",
      x: "npm",
      exec: "code",
      ...Object.fromEntries(
        ["test", "repl", "install", "i", "add", "a", "remove", "rm", "update", "outdated", "audit", "link", "unlink"]
          .concat(["publish", "patch", "pm", "info", "why", "build", "init", "create", "c", "upgrade", "completions"])
          .map((command) => [command, nothing]),
      ),
    },
    stdin: false,
  },
  {
    names: ["deno"],
    valued: ["-c", "--config", "--import-map", "--cert", "--location", "--seed", "-L", "--log-level", "--ext"],
    code: [],
    commands: {
      run: "file",
      serve: "file",
      x: "npm",
      eval: "code",
      ...Object.fromEntries(
        ["task", "install", "i", "add", "remove", "test", "bench", "check", "compile", "fmt", "lint", "repl", "upgrade"]
          .concat([
            "cache",
            "doc",
            "info",
            "init",
            "lsp",
            "publish",
            "types",
            "uninstall",
            "vendor",
            "jupyter",
            "clean",
          ])
          .map((command) => [command, nothing]),
      ),
    },
    stdin: false,
    npmPrefix: "npm:",
  },
  {
    names: ["python", "pypy"],
    valued: ["-W", "-X", "--check-hash-based-pycs"],
    code: ["-c"],
    module: ["-m"],
    clusters: true,
    stdin: true,
  },
  {
    names: ["ruby", "jruby"],
    valued: ["-r", "-I", "-C", "-E", "-F", "--encoding", "--external-encoding", "--internal-encoding"],
    code: ["-e"],
    clusters: true,
    stdin: true,
  },
  { names: ["perl"], valued: ["-I", "-M", "-m"], code: ["-e", "-E"], clusters: true, stdin: true },
  {
    names: ["php", "php-cgi"],
    valued: ["-c", "--php-ini", "-d", "--define", "-z", "--zend-extension", "-S", "--server", "-t", "--docroot"],
    code: ["-r", "--run", "-R", "--process-code", "-B", "--process-begin", "-E", "--process-end"],
    file: ["-f", "--file", "-F", "--process-file"],
    stdin: true,
  },
  {
    names: ["java"],
    valued: ["-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path", "--add-modules"]
      .concat(["--add-exports", "--add-opens", "--add-reads", "--patch-module", "--limit-modules"])
      .concat(["--enable-native-access", "--source"]),
    code: [],
    module: ["-m", "--module"],
    file: ["-jar"],
    stdin: false,
  },
  shell,
  loader,
];

/** Programs that fetch a package by name and run it: their words before the package, and options with a value. */
interface Runner {
  readonly names: readonly string[];
  /** The words that must stand first; none for `npx`. */
  readonly words: readonly string[];
  readonly ecosystem: "npm" | "pypi";
  readonly valued: readonly string[];
  /** Options that name the package, where the command is another word: `npx -p PACKAGE command`, `uvx --from PACKAGE`. */
  readonly packageOptions: readonly string[];
}
const npxValued = [
  "-w",
  "--workspace",
  "--cache",
  "--prefix",
  "--userconfig",
  "--registry",
  "--loglevel",
  "--script-shell",
];
export const runners: readonly Runner[] = [
  { names: ["npx", "npx-cli.js"], words: [], ecosystem: "npm", valued: npxValued, packageOptions: ["-p", "--package"] },
  ...["exec", "x"].map((word) => ({
    names: ["npm", "npm-cli.js"],
    words: [word],
    ecosystem: "npm" as const,
    valued: npxValued,
    packageOptions: ["-p", "--package"],
  })),
  { names: ["bunx"], words: [], ecosystem: "npm", valued: ["--cwd"], packageOptions: ["-p", "--package"] },
  ...["pnpm", "pnpm.cjs", "yarn", "yarn.js", "yarn.cjs"].map((name) => ({
    names: [name],
    words: ["dlx"],
    ecosystem: "npm" as const,
    valued: [],
    packageOptions: ["-p", "--package"],
  })),
  { names: ["pnpx"], words: [], ecosystem: "npm", valued: [], packageOptions: ["-p", "--package"] },
  {
    names: ["uvx"],
    words: [],
    ecosystem: "pypi",
    valued: ["--with", "--python", "-p", "--index", "--index-url", "-i", "--extra-index-url", "--refresh-package"],
    packageOptions: ["--from"],
  },
  {
    names: ["uv"],
    words: ["tool", "run"],
    ecosystem: "pypi",
    valued: ["--with", "--python", "-p", "--index", "--index-url", "-i", "--extra-index-url", "--refresh-package"],
    packageOptions: ["--from"],
  },
  {
    names: ["pipx", "pipx.pyz"],
    words: ["run"],
    ecosystem: "pypi",
    valued: ["--python", "--index-url", "-i", "--pip-args"],
    packageOptions: ["--spec"],
  },
];
