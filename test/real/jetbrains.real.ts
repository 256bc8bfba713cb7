import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { homeOf, known, needs, run, saidOf, type Thing } from "./installers.ts";

/** IntelliJ's own classes, 2018.3, as Debian builds them for Kotlin's compiler: its loader of plugins is among them. */
const debs = [
  "libintellij-core-java",
  "libintellij-extensions-java",
  "libintellij-utils-java",
  "libtrove-intellij-java",
  "libjdom2-intellij-java",
  "libpicocontainer1-java",
  "liblog4j1.2-java",
  "libjna-java",
  "liboro-java",
  "openjdk-17-jdk-headless",
];
const classes = [
  "intellij-core",
  "intellij-extensions",
  "intellij-util",
  "intellij-util-rt",
  "libtrove-intellij",
  "jdom2-intellij",
  "picocontainer-1.3",
  "log4j-1.2",
  "jna",
  "oro",
].map((name) => `/usr/share/java/${name}.jar`);

const loader = `
import com.intellij.ide.plugins.PluginManagerCore;
import java.io.File;
public class Loader {
  public static void main(String[] plugins) throws Exception {
    for (String plugin : plugins) {
      var found = PluginManagerCore.loadDescriptor(new File(plugin), "plugin.xml");
      System.out.println(found == null ? "none" : found.getPluginId() + " " + found.getVersion());
    }
  }
}`;

const plain = "<id>com.example.tool</id><name>Tool</name><version>1.2.3</version>";

/** Where a plugin has its descriptor, below its folder, and what is written in it. */
const plugins: readonly { readonly called: string; readonly at: string; readonly xml: string; readonly id?: string }[] =
  [
    { called: "in a library", at: "lib/tool-1.2.3.jar", xml: plain },
    { called: "in a library of Windows' spelling", at: "lib/Tool.JAR", xml: plain },
    { called: "in a zip", at: "lib/tool.zip", xml: plain },
    { called: "as a file of its folder", at: "META-INF/plugin.xml", xml: plain },
    { called: "as a file in its lib", at: "lib/classes/META-INF/plugin.xml", xml: plain },
    { called: "and is one archive", at: "", xml: plain },
    { called: "without an id", at: "lib/tool.jar", xml: "<name>Tool</name><version>1.2.3</version>", id: "Tool" },
    {
      called: "with an empty id",
      at: "lib/tool.jar",
      xml: "<id/><name>Tool</name><version>1.2.3</version>",
      id: "Tool",
    },
    { called: "with two ids", at: "lib/tool.jar", xml: `<id>com.example.other</id>${plain}` },
    { called: "with an id in pieces", at: "lib/tool.jar", xml: plain.replace(".tool", "<!-- . --><![CDATA[.tool]]>") },
    {
      called: "with words of another encoding",
      at: "lib/tool.jar",
      xml: `<?xml version="1.0" encoding="ISO-8859-1"?>${plain.replace("Tool", "Outil préféré")}`,
    },
    {
      called: "with the type that its documentation once had",
      at: "lib/tool.jar",
      xml: `<!DOCTYPE idea-plugin PUBLIC "Plugin/DTD" "http://plugins.intellij.net/plugin.dtd">${plain}`,
    },
  ];

function lay(home: string, folder: string, { at, xml }: (typeof plugins)[number]): void {
  const [, head = "", inside = ""] = /^((?:<[?!][^>]*>)*)(.*)$/.exec(xml) ?? [];
  const descriptor = Buffer.from(`${head}<idea-plugin>${inside}</idea-plugin>`, "latin1");
  const place = join(folder, at);
  const made = at.endsWith(".xml") ? place : join(home, "made/META-INF/plugin.xml");
  for (const file of [place, made]) mkdirSync(dirname(file), { recursive: true });
  writeFileSync(made, descriptor);
  if (made !== place)
    run(dirname(made), ["/usr/bin/jar", "--create", "--file", place, "-C", join(home, "made"), "META-INF"]);
}

test.for(plugins)("a plugin that describes itself $called is what IntelliJ says it is", async (plugin, context) => {
  needs(context, debs, ["/usr/bin/java", "/usr/bin/jar"]);
  const home = homeOf(`jetbrains-${plugin.called}`);
  const folder = join(home, ".local/share/JetBrains/IntelliJIdea2025.1", plugin.at === "" ? "tool.jar" : "tool");
  lay(home, folder, plugin);
  writeFileSync(join(home, "Loader.java"), loader);
  const { id = "com.example.tool" } = plugin;
  const said = run(home, ["/usr/bin/java", "-cp", classes.join(":"), join(home, "Loader.java"), folder]);
  expect(said.trim()).toBe(`${id} 1.2.3`);
  const thing: Thing = { kind: "extension", host: "jetbrains", id, version: "1.2.3" };
  expect(await saidOf(thing, home)).toEqual(known(thing, false));
});
