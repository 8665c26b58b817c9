/** The sign-in service's own pages: nothing is loaded from elsewhere. */
const css = `
:root{color-scheme:light dark;--bg:#f2f2f2;--card:#fff;--text:#151515;--soft:#4d4d4d;--line:#8f8f8f;--brand:#5e40be;--brand2:#3d2785;--bad:#b1380b}
@media (prefers-color-scheme:dark){:root{--bg:#151515;--card:#292929;--text:#fff;--soft:#c7c7c7;--line:#8f8f8f;--brand:#b6a6e9;--brand2:#d0c5f4;--bad:#f89b78}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;font:16px/1.5 "Red Hat Text",system-ui,sans-serif;color:var(--text);background:radial-gradient(60rem 40rem at 80% -10%,color-mix(in srgb,var(--brand) 30%,transparent),transparent),var(--bg)}
main{width:min(26rem,100%);background:var(--card);border-radius:1rem;padding:2rem;box-shadow:0 1rem 3rem rgb(0 0 0/.18)}
h1{font-size:1.5rem;line-height:1.2;margin:0 0 .25rem}p{margin:0 0 1rem;color:var(--soft)}
label{display:block;font-weight:600;margin:1rem 0 .25rem}input{width:100%;font:inherit;padding:.6rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:transparent;color:inherit}
button{width:100%;margin-top:1.5rem;padding:.7rem;font:inherit;font-weight:600;border:0;border-radius:2rem;background:var(--brand);color:var(--card);cursor:pointer}button:hover{background:var(--brand2)}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
.error{color:var(--bad);font-weight:600}small{display:block;margin-top:1.5rem;padding-top:1rem;border-top:1px solid color-mix(in srgb,var(--line) 40%,transparent);color:var(--soft)}
ul{list-style:none;padding:0;margin:.5rem 0 0;display:grid;gap:.25rem}code{font-weight:600;color:var(--text)}
`

export function loginPage(client: string, action: string, error: string | undefined, username: string): string {
  return page(
    'Sign in',
    `<h1>Sign in</h1><p>to go on to <strong>${htmlText(client)}</strong></p>
${error ? `<p class="error" role="alert">${htmlText(error)}</p>` : ''}
<form method="post" action="${htmlText(action)}">
<label for="username">User name</label><input id="username" name="username" autocomplete="username" value="${htmlText(username)}" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button></form>
<small>Demo people, password <code>demo</code>:<ul><li><code>ada</code> is new here</li><li><code>linus</code> has an account of the old portal</li><li><code>grace</code> has no verified e-mail</li><li><code>mary</code> is in the research group</li><li><code>admin</code> is an operator</li></ul></small>`,
  )
}

/** A form of oidc-provider's that sends itself where scripts run, and has a button where they do not. */
export function formPage(title: string, text: string, form: string, button: string, formId: string): string {
  return page(
    title,
    `<h1>${htmlText(title)}</h1><p>${htmlText(text)}</p>${form}<button type="submit" form="${formId}" name="logout" value="yes">${htmlText(button)}</button>`,
  )
}

export function messagePage(title: string, text: string): string {
  return page(title, `<h1>${htmlText(title)}</h1><p>${htmlText(text)}</p>`)
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${htmlText(title)} · Demo sign-in service</title><style>${css}</style></head><body><main>${body}</main></body></html>`
}

function htmlText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
