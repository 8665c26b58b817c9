/** The styles of the identity provider. They load nothing from other hosts. */
export const css = `
:root{color-scheme:light dark;--bg:#f2f2f2;--card:#fff;--text:#151515;--soft:#4d4d4d;--line:#8f8f8f;--faint:#d2d2d2;--brand:#5e40be;--brand2:#3d2785;--on:#fff;--wash:#efeafc;--bad:#b1380b;--badwash:#fbeae5}
@media (prefers-color-scheme:dark){:root{--bg:#151515;--card:#242424;--text:#fff;--soft:#c7c7c7;--line:#8f8f8f;--faint:#444;--brand:#b6a6e9;--brand2:#d0c5f4;--on:#151515;--wash:#2b2250;--bad:#f89b78;--badwash:#3a1d14}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;grid-template-columns:minmax(0,26rem);justify-content:center;align-content:center;gap:1rem;padding:1.5rem 1rem;font:1rem/1.5 "Red Hat Text",system-ui,sans-serif;color:var(--text);background:radial-gradient(60rem 36rem at 50% -12rem,var(--wash),transparent 70%),var(--bg)}
header{display:flex;align-items:center;justify-content:center;gap:.5rem;font-weight:600;color:var(--soft);font-size:.9375rem}
.mark{width:1.25rem;height:1.25rem;border-radius:.375rem;background:linear-gradient(135deg,var(--brand),var(--brand2))}
main,aside{background:var(--card);border:1px solid var(--faint);border-radius:1rem;padding:1.75rem}
main{box-shadow:0 .75rem 2.5rem rgb(0 0 0/.1)}
aside{padding:1.25rem 1.75rem;background:transparent;font-size:.9375rem}
h1{font-size:1.5rem;line-height:1.2;margin:0 0 .25rem}h2{font-size:1rem;margin:0 0 .125rem}
p{margin:0;color:var(--soft);overflow-wrap:anywhere}strong{color:var(--text)}
label{display:block;font-weight:600;margin:1.125rem 0 .25rem}
input{width:100%;font:inherit;padding:.625rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:transparent;color:inherit}
input[aria-invalid]{border-color:var(--bad)}
.code{font:600 1.5rem/1.4 ui-monospace,monospace;letter-spacing:.15em;text-align:center;text-transform:uppercase}
.shown{margin:1.25rem 0 0;padding:1rem;border-radius:.75rem;background:var(--wash);text-align:center;font-size:1.75rem;letter-spacing:.12em}
button{width:100%;margin-top:1.5rem;padding:.7rem;font:inherit;font-weight:600;border:0;border-radius:2rem;background:var(--brand);color:var(--on);cursor:pointer}
button:hover{background:var(--brand2)}
.quiet{margin-top:.5rem;background:transparent;color:var(--brand)}.quiet:hover{background:var(--wash);color:var(--text)}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
.error{margin-top:1rem;padding:.625rem .875rem;border-radius:.5rem;border-left:3px solid var(--bad);background:var(--badwash);color:var(--text);font-weight:500}
ul{list-style:none;margin:.75rem -.75rem 0;padding:0;display:grid;gap:.125rem}
li a{display:grid;grid-template-columns:4.5rem 1fr;gap:.5rem;padding:.3125rem .75rem;border-radius:.5rem;color:inherit;text-decoration:none}
li a:hover{background:var(--wash)}li span{color:var(--soft)}li a:hover span{color:var(--text)}
code{font:600 .9375rem/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;color:var(--text)}.shown code{font-size:1.75rem}
`
