/** The console's only style; its hash stands in the Content-Security-Policy. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1d22; --soft: #667085; --line: #e4e7ec; --paper: #fff; --back: #f6f7f9;
  --stop: #b42318; --tell: #b54708; --see: #175cd3; --fine: #067647; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #98a2b3; --line: #2b303a; --paper: #16181d;
  --back: #0f1115; --stop: #f97066; --tell: #fdb022; --see: #84adff; --fine: #47cd89; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
header { display: flex; align-items: baseline; gap: 1.5rem; flex-wrap: wrap; padding-bottom: 0; }
h1 { font-size: 1.25rem; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 0.95rem; margin: 2rem 0 0.6rem; }
.figures { display: flex; gap: 1.25rem; color: var(--soft); margin: 0; }
.figures b { color: var(--ink); font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; background: var(--paper); border: 1px solid var(--line); }
th, td { text-align: left; padding: 0.5rem 0.75rem; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; font-size: 0.8rem; }
tr:last-child td { border-bottom: 0; }
td time, td code { color: var(--soft); font-size: 0.85rem; white-space: nowrap; }
.stopped, .denied, .quarantined, .failed { color: var(--stop); } .told, .grace { color: var(--tell); }
.recorded, .gone, .spared { color: var(--see); } .restored, .started { color: var(--fine); }
.none { color: var(--soft); background: var(--paper); border: 1px dashed var(--line); padding: 1rem; }
form { background: var(--paper); border: 1px solid var(--line); padding: 1.5rem; max-width: 26rem; }
label { display: block; margin-bottom: 0.4rem; }
input { width: 100%; padding: 0.5rem; font: inherit; border: 1px solid var(--line); background: var(--back); color: inherit; }
button { margin-top: 0.8rem; padding: 0.5rem 1.2rem; font: inherit; border: 0; background: var(--ink); color: var(--paper); }
.wrong { color: var(--stop); }
`;
