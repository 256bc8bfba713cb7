import type { Result } from "./cell.ts";
import type { Enforcer } from "./enforcer.ts";
import type { Kind } from "./tool.ts";

/** Why something that should be denied before it runs was not; for a reader who wants to know what that means. */
export interface Explanation {
  readonly enforcer: Enforcer["name"];
  readonly disguises: readonly string[];
  /** All of them where left out. */
  readonly tools?: readonly Kind[];
  readonly of: readonly Result["is"][];
  readonly text: string;
}

const killed = ["killed", "killed early"] as const;
const scripts = ["script", "python"] as const;
const bytes = ["appended bytes", "one byte changed"];
const away = ["started while the agent restarts", "running before the agent came"];

export const explanations: readonly Explanation[] = [
  {
    enforcer: "edict",
    disguises: ["marker changed"],
    of: ["missed"],
    text: "Nothing is left that says what it is: the hash is another, the marker is gone, and it lies outside of its package. Whoever rewrites a program's bytes has left the policy knowingly; the answer to that is no arms race.",
  },
  {
    enforcer: "edict",
    disguises: ["piped script"],
    of: ["missed"],
    text: "`cat` may read the script, as a backup and an editor may, and the interpreter gets bytes from a pipe that is no file. A ban that says `strict` denies every reader.",
  },
  {
    enforcer: "edict",
    disguises: ["memfd + fexecve"],
    of: killed,
    text: "A memory file lies on no file system that anybody could be asked about. The exec stream sees it start, and its bytes can still be read; those of a large program take a moment.",
  },
  {
    enforcer: "edict",
    disguises: ["tmpfs in a private namespace"],
    of: killed,
    text: "What is mounted in another namespace is not in our table of mounts: the first program that starts there is seen by the exec stream and ended, and from then on the gate asks there, too.",
  },
  {
    enforcer: "edict",
    disguises: ["container root"],
    of: killed,
    text: "The same; and it is process 1 of its own namespace there, which does not hear a SIGTERM that it has no handler for (pid_namespaces(7)): it gets SIGKILL at once. Node has one, which cleans up and then ends nothing there: SIGKILL follows two seconds later.",
  },
  {
    enforcer: "edict",
    disguises: ["started while the agent restarts"],
    of: killed,
    text: "Nobody was there to be asked. It is found by the first look and told; it has the ban's grace, which is one second here, only until the server has said that the ban still stands. The time counts from the start of the agent's process.",
  },
  {
    enforcer: "edict",
    disguises: ["running before the agent came"],
    of: killed,
    text: "The same, but its person could not know: they are told, and it is ended after the ban's grace.",
  },
  {
    enforcer: "edict",
    disguises: ["ld.so"],
    tools: ["native", "bun"],
    of: ["killed early"],
    text: "What starts is the loader. It is held while it opens the tool, and would be denied; the exec stream has seen its arguments and may end it while it waits. Either way no instruction of the tool runs.",
  },
  {
    enforcer: "edict",
    disguises: ["npx"],
    of: killed,
    text: "npx itself is ended, because its arguments name the banned package: it does not come to start it.",
  },
  {
    enforcer: "edict",
    disguises: [],
    tools: scripts,
    of: killed,
    text: "What starts is an innocent interpreter or loader. The exec stream sees from its arguments, its standard input or its open files what it is about to run, and ends it before or just when it does. Where the file is an installed tool's entry, opening it is denied as well; which of the two comes first is chance.",
  },
  {
    enforcer: "fapolicyd",
    disguises: [...bytes, "marker changed"],
    of: ["missed"],
    text: "Its rules know a file's bytes only by the sha256 of them all.",
  },
  {
    enforcer: "fapolicyd",
    disguises: ["memfd + fexecve"],
    of: ["missed"],
    text: "A memory file lies on nothing that it watches, and it has no second line.",
  },
  {
    enforcer: "fapolicyd",
    disguises: ["tmpfs in a private namespace", "container root"],
    of: ["missed"],
    text: "It watches the file systems that are mounted in its own namespace.",
  },
  {
    enforcer: "fapolicyd",
    disguises: away,
    of: ["missed"],
    text: "It answers whether a program may start, and ends none that runs.",
  },
];

/** The sentence for one cell; undefined where there is none, which is a fault of this table or of the product. */
export function explain(
  enforcer: Enforcer["name"],
  disguise: string,
  tool: Kind,
  is: Result["is"],
): Explanation | undefined {
  return explanations.find(
    (one) =>
      one.enforcer === enforcer &&
      one.of.includes(is) &&
      (one.disguises.length === 0 || one.disguises.includes(disguise)) &&
      (one.tools === undefined || one.tools.includes(tool)),
  );
}
