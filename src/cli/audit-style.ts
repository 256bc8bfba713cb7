/** How the page of an audit looks: by day, by night and on paper. */
export const style = `
:root { color-scheme: light dark; --line: light-dark(#d5d5da, #3a3a42); --dim: light-dark(#5c5c66, #a0a0aa);
  --bad: light-dark(#a11212, #ff8f85); --bad-ground: light-dark(#fdf0ef, #3a1c1a); --good: light-dark(#1b6e3c, #7fd6a0); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 80rem; font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #17171b); color: light-dark(#1b1b1f, #e8e8ee); }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.1rem; }
p.sub { margin: .25rem 0 1.5rem; color: var(--dim); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 0 0 2rem; }
dt { color: var(--dim); font-size: .85rem; }
dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
dd.bad { color: var(--bad); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
caption { text-align: left; color: var(--dim); padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .6rem .75rem; border-bottom: 1px solid var(--line); }
thead th { font-size: .8rem; color: var(--dim); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody th small { font-weight: 400; }
td:last-child { min-width: clamp(12rem, 22vw, 20rem); }
td:nth-last-child(2) { min-width: clamp(10rem, 18vw, 14rem); }
tr.banned { background: var(--bad-ground); }
code, td li { overflow-wrap: anywhere; }
code { font: .85em/1.5 ui-monospace, monospace; }
ul { margin: 0; padding-left: 1.1rem; }
small { color: var(--dim); }
.banned strong { color: var(--bad); }
.proof { color: var(--good); font-weight: 600; }
.nowrap { white-space: nowrap; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } .wide { overflow: visible; }
  td:last-child, td:nth-last-child(2) { min-width: 0; }
  tr { break-inside: avoid; } thead { display: table-header-group; } tr.banned { background: none; } }
`;
