import { html, raw } from "hono/html";
import type { ExceptionRequest } from "#protocol/report.ts";
import { style } from "#server/console/style.ts";

/** What the first page shows: the console knows the protocol, not the store. Times are ISO 8601. */
export interface Overview {
  readonly counts: { readonly devices: number; readonly reports: number; readonly requests: number };
  readonly devices: readonly {
    readonly id: string;
    readonly hostname: string | null;
    readonly os: string;
    readonly agentVersion: string;
    readonly seenAt: string;
  }[];
  readonly reports: readonly {
    readonly device: string;
    readonly time: string;
    readonly did: string | null;
    readonly ban: string | null;
    readonly mode: string | null;
    readonly person: string | null;
    readonly message: string | null;
  }[];
  readonly requests: readonly (ExceptionRequest & { readonly device: string })[];
}

type Html = ReturnType<typeof html>;

export function overviewPage({ counts, devices, reports, requests }: Overview): Html {
  const names = new Map(devices.map((d) => [d.id, d.hostname ?? d.id.slice(0, 12)]));
  const nameOf = (id: string): string => names.get(id) ?? id.slice(0, 12);
  return frame(
    html`<p class="figures">
      <span><b>${counts.devices}</b> devices</span>
      <span><b>${counts.reports}</b> reports</span>
      <span><b>${counts.requests}</b> requests</span>
    </p>`,
    html`<h2>Latest reports</h2>
      ${table(
        ["When", "Device", "Person", "What happened", "Ban", "Mode"],
        reports.map((r) => [
          html`<time>${r.time}</time>`,
          nameOf(r.device),
          r.person ?? "",
          html`<span class="${r.did ?? ""}">${r.message ?? r.did ?? ""}</span>`,
          r.ban ?? "",
          r.mode ?? "",
        ]),
        "No device has reported anything yet.",
      )}
      <h2>Requests for exceptions</h2>
      ${table(
        ["When", "Device", "Person", "Ban", "Reason"],
        requests.map((r) => [html`<time>${r.at}</time>`, nameOf(r.device), r.person, r.ban, r.reason]),
        "Nobody has asked for an exception.",
      )}
      <h2>Devices</h2>
      ${table(
        ["Name", "System", "Agent", "Last seen", "Id"],
        devices.map((d) => [
          d.hostname ?? "",
          d.os,
          d.agentVersion,
          html`<time>${d.seenAt}</time>`,
          html`<code>${d.id.slice(0, 16)}</code>`,
        ]),
        "No device is enrolled: run edict enroll on one.",
      )}`,
  );
}

export function loginPage(wrong: boolean): Html {
  return frame(
    html``,
    html`<form method="post" action="/login">
      <label for="token">Administrator's token</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
      ${wrong ? html`<p class="wrong">That is not this server's token.</p>` : ""}
      <button>Open the console</button>
    </form>`,
  );
}

function table(heads: readonly string[], rows: readonly (readonly (string | Html)[])[], none: string): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  return html`<table>
    <thead>
      <tr>
        ${heads.map((head) => html`<th>${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (cells) =>
          html`<tr>
            ${cells.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function frame(figures: Html, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Edict</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <header>
          <h1>Edict</h1>
          ${figures}
        </header>
        <main>${content}</main>
      </body>
    </html>`;
}
