import { createHash } from "node:crypto";
import { bannedSince, howMany, stanceOf, type AuditRow } from "#cli/audit-rows.ts";
import { style } from "#cli/audit-style.ts";
import type { AuditResult } from "#cli/audit-table.ts";
import { clean } from "#lib/pure/text.ts";

/** Markup that is finished: everything else is escaped where it is put in. */
class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
type Part = string | number | Markup | readonly Markup[];

const longest = 4_096;
const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map(({ text }) => text).join("");
  return clean(String(part), longest).replaceAll(/[&<>"']/g, (c) => entities[c] ?? "");
}

/** What a stranger wrote can neither end an element nor begin one, nor change the direction of writing. */
function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((text, i) => text + escaped(parts[i] ?? "")).join(""));
}

/** Nothing is fetched and nothing runs: only this very style is let in (CSP3, hash-source). */
const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;

/** In one piece: a space more, and the browser would refuse it by its hash. */
const styled = new Markup(`<style>${style}</style>`);

/** An audit as one page of HTML that needs nothing beside it. @param host the machine's name */
export function auditPage(result: AuditResult, host: string): string {
  const { at, findings, looked, unreadable } = result;
  const [banned, observed] = [howMany(findings, "banned"), howMany(findings, "observed")];
  const proven = findings.filter(({ grade }) => grade === "proof").length;
  const judged = result.policy === null ? "no policy was given: nothing was judged" : `policy “${result.policy}”`;
  const title = `Edict audit of ${host}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        ${styled}
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="sub"><time datetime="${at}">${at}</time> · ${judged}</p>
        </header>
        <main>
          <dl>
            <div>
              <dt>Banned</dt>
              <dd class="${banned > 0 ? "bad" : "none"}">${banned}</dd>
            </div>
            <div>
              <dt>Only observed</dt>
              <dd>${observed}</dd>
            </div>
            <div>
              <dt>Proven</dt>
              <dd>${proven}</dd>
            </div>
            <div>
              <dt>By hints only</dt>
              <dd>${findings.length - proven}</dd>
            </div>
            <div>
              <dt>Looked at</dt>
              <dd>${looked.toLocaleString("en")}</dd>
            </div>
            <div>
              <dt>Could not be read</dt>
              <dd>${unreadable.count.toLocaleString("en")}</dd>
            </div>
          </dl>
          ${findings.length === 0 ? html`<p>No tool of the catalog was found.</p>` : table(findings)}
          ${places(unreadable)} ${notEntered(result.containers)}
          <h2>What an audit never looks at</h2>
          <ul>
            ${result.never.map((what) => html`<li>${what}</li>`)}
          </ul>
          <p><small>A proof is enough to act on; hints, alone or together, stop nothing.</small></p>
        </main>
      </body>
    </html> `;
  return page.text;
}

function table(findings: readonly AuditRow[]): Markup {
  const heads = ["Tool", "Version", "Banned since", "Instead", "Installed by", "How it is known", "Where"];
  return html`<div class="wide" role="region" aria-labelledby="found" tabindex="0">
    <table>
      <caption id="found">
        What is installed: what is banned first, then what is proven.
      </caption>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${findings.map(row)}
      </tbody>
    </table>
  </div>`;
}

function row(finding: AuditRow): Markup {
  const { name, vendor, version, ban, owner, grade, known, where, container, also } = finding;
  return html`<tr class="${stanceOf(finding)}">
    <th scope="row">${name}${vendor === null ? "" : html`<br /><small>${vendor}</small>`}</th>
    <td>${version ?? "–"}</td>
    <td>
      ${ban === null ? "–" : html`<strong class="nowrap">${bannedSince(finding) ?? ""}</strong><br /><small>${ban.id}: ${ban.mode}</small>`}
    </td>
    <td>${instead(finding)}</td>
    <td>${owner}</td>
    <td>
      <span class="${grade}">${grade}</span>
      <ul>
        ${known.map(({ text, grade: weight }) => html`<li>${text}${weight === grade ? "" : html` (${weight})`}</li>`)}
      </ul>
    </td>
    <td>
      ${[where, ...also].slice(0, mostPlaces).map((path) => html`<div><code>${path}</code></div>`)}${also.length < mostPlaces ? "" : html`<small>and ${also.length + 1 - mostPlaces} more</small>`}${container === null ? "" : html`<small>in a container or an image of ${container}</small>`}
    </td>
  </tr> `;
}

/** Places of one finding, and places that could not be read, that a page shows. */
const mostPlaces = 20;
const mostUnreadable = 200;

/** Links of a policy are https (POLICY.md); any other text stays text. */
function instead({ ban }: AuditRow): Part {
  const name = ban?.insteadName ?? "–";
  const url = ban?.url ?? "";
  return url.startsWith("https://") ? html`<a href="${url}" rel="noreferrer">${name}</a>` : name;
}

function notEntered(containers: AuditResult["containers"]): Part {
  const shown = containers.slice(0, mostUnreadable).map((path) => html`<code>${path}</code>`);
  return listed("Not entered: what containers and images hold", shown, containers.length);
}

function places({ count, named }: AuditResult["unreadable"]): Part {
  const shown = named.slice(0, mostUnreadable).map(({ path, why }) => html`<code>${path}</code>: ${why}`);
  return listed("What could not be read", shown, count);
}

/** Places under a heading, and how many there are besides; nothing where there is none. */
function listed(heading: string, shown: readonly Markup[], count: number): Part {
  if (count === 0) return "";
  const more = count - shown.length;
  return html`<h2>${heading}</h2>
    <ul>
      ${shown.map((one) => html`<li>${one}</li>`)}${more === 0 ? "" : html`<li>and ${more} more</li>`}
    </ul>`;
}
