"""The style sheet of a report: for the screen, light and dark, and for paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #222222; --paper: #ffffff; --quiet: #5c6370; --line: #d5d9df; --band: #f5f6f8;
  --link: #0b5cad; --good: #00704d; --odd: #8a5a00; --bad: #b3400a;
  --good-band: #e9f6f1; --odd-band: #fdf3df; --bad-band: #fdece3;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e8eb; --paper: #16191d; --quiet: #a4acb8; --line: #3a4049; --band: #1f2329;
    --link: #7ab8f5; --good: #4fd1a5; --odd: #f0b84b; --bad: #ff9466;
    --good-band: #14302a; --odd-band: #33290f; --bad-band: #3a2016;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem;
  color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif;
}
a { color: var(--link); }
header p, footer { color: var(--quiet); margin: .25rem 0; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 {
  font-size: 1.25rem; margin: 0 0 1rem; padding-top: 1rem; border-top: 1px solid var(--line);
}
section { margin-top: 2.5rem; }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  list-style: none; margin: 1.5rem 0; padding: 0;
}
.tiles a {
  display: block; height: 100%; padding: .6rem .8rem; border: 1px solid var(--line);
  border-radius: 6px; background: var(--band); color: inherit; text-decoration: none;
}
.tiles a:hover, .tiles a:focus-visible { border-color: var(--link); }
.tiles b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--quiet); font-size: .875rem; }
nav ol { columns: 3 14rem; margin: 0; padding-left: 1.5rem; }
dl {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: .15rem 2rem;
  margin: 1rem 0;
}
dl div { display: grid; grid-template-columns: 12rem 1fr; gap: .5rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.note {
  border-left: 4px solid var(--quiet); background: var(--band); margin: 1rem 0;
  padding: .5rem .9rem; border-radius: 0 4px 4px 0; overflow-wrap: anywhere;
}
.note ul { margin: .25rem 0 0; }
.note.good { border-color: var(--good); background: var(--good-band); }
.note.odd { border-color: var(--odd); background: var(--odd-band); }
.note.bad { border-color: var(--bad); background: var(--bad-band); }
figure { margin: 1.5rem 0; }
figure svg, figure img { display: block; width: 100%; min-width: 40rem; height: auto; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figure img { background: #ffffff; }
figcaption, caption { color: var(--quiet); font-size: .9rem; text-align: left; }
figcaption { margin-top: .4rem; }
figcaption b, caption b { color: var(--ink); }
caption { padding-bottom: .4rem; }
.wide { overflow-x: auto; }
li { overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .875rem; margin: 1.25rem 0; min-width: 50%; }
th, td { padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
td { border-top: 1px solid var(--line); }
td > bdi, td > code {
  display: inline-block; max-width: 24rem; overflow-wrap: break-word; vertical-align: top;
}
thead th { color: var(--quiet); font-weight: 600; vertical-align: bottom; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .number { white-space: normal; }
tbody th, tfoot th { white-space: nowrap; }
.sum td, .sum th { border-top: 1px solid var(--line); font-weight: 600; }
tfoot .sum td, tfoot .sum th { border-top: 2px solid var(--ink); }
td ul { margin: .25rem 0; padding-left: 1rem; }
td p { margin: 0; }
td, td code { line-height: 1.35rem; }
td p, td li { max-width: 44rem; }
td time { white-space: nowrap; }
.is-error { color: var(--bad); }
.is-warning { color: var(--odd); }
.is-note { color: var(--quiet); }
footer {
  margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; font-size: .875rem;
}
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; }
  dl div { grid-template-columns: 9rem 1fr; }
}
@page { margin: 18mm 15mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  figure, tr, .note, .tiles { break-inside: avoid; }
  h2, caption { break-after: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  figure svg, figure img { min-width: 0; }
  table { font-size: 8pt; }
  a { color: inherit; text-decoration: none; }
  * { print-color-adjust: exact; }
}
"""
