import { css } from './style.js'

interface Login {
  client: string
  action: string
  error?: string
  username?: string
  password?: string
}

const people = [
  ['ada', 'is new here'],
  ['linus', 'has an account in the built-in portal'],
  ['grace', 'has no verified e-mail address'],
  ['mary', 'is in the research group'],
  ['admin', 'is an operator'],
] as const

export function loginPage({ client, action, error, username = '', password = '' }: Login): string {
  const invalid = error ? ' aria-invalid="true" aria-describedby="error"' : ''
  const rows = people.map(
    ([name, note]) => `<li><a href="${text(action)}?as=${name}"><code>${name}</code><span>${note}</span></a></li>`,
  )
  return page(
    'Sign in',
    `<h1>Sign in</h1><p>to continue to <strong>${text(client)}</strong></p>
${error ? `<p class="error" id="error" role="alert">${text(error)}</p>` : ''}
<form method="post" action="${text(action)}">
<label for="username">Username</label><input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" value="${text(username)}" required${invalid}${error ? '' : ' autofocus'}>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" value="${text(password)}" required${invalid}${error ? ' autofocus' : ''}>
<button type="submit">Sign in</button><button class="quiet" type="submit" name="cancel" value="yes" formnovalidate>Cancel</button></form>`,
    `<h2>Demo users</h2><p>The password of every user is <code>demo</code>. Select a user to fill in the form.</p><ul>${rows.join('')}</ul>`,
  )
}

/** `form` is oidc-provider's, without a button; `answers` are the buttons, of which the first is primary. */
export function formPage(
  title: string,
  sentence: string,
  form: string,
  answers: { label: string; name?: string; value?: string }[],
): string {
  const id = /<form[^>]* id="([^"]+)"/.exec(form)?.[1] ?? ''
  const buttons = answers.map(
    ({ label, name, value }, index) =>
      `<button type="submit" form="${text(id)}"${name ? ` name="${name}" value="${value ?? ''}"` : ''}${index > 0 ? ' class="quiet"' : ''}>${text(label)}</button>`,
  )
  return page(title, `<h1>${text(title)}</h1><p>${text(sentence)}</p>${form}${buttons.join('')}`)
}

/** The page on which the user enters the code of another device; `form` is oidc-provider's. */
export function codePage(form: string, error: string | undefined): string {
  const [action = '', xsrf = ''] = [/ action="([^"]*)"/, /name="xsrf" value="([^"]*)"/].map(
    (part) => part.exec(form)?.[1],
  )
  return page(
    'Connect a device',
    `<h1>Connect a device</h1><p>Enter the code that is shown on your device.</p>
${error ? `<p class="error" id="error" role="alert">${text(error)}</p>` : ''}
<form method="post" action="${action}"><input type="hidden" name="xsrf" value="${xsrf}">
<label for="code">Code</label><input id="code" class="code" name="user_code" autocomplete="off" autofocus required${error ? ' aria-invalid="true" aria-describedby="error"' : ''}>
<button type="submit">Continue</button></form>`,
  )
}

export function confirmCodePage(form: string, client: string, code: string): string {
  return formPage(
    'Is this your device?',
    `“${client}” requests access to your account. Continue only if your device shows this code.`,
    `<p class="shown"><code>${text(code)}</code></p>${form}`,
    [{ label: 'Connect device' }, { label: 'Cancel', name: 'abort', value: 'yes' }],
  )
}

export function messagePage(title: string, sentence: string): string {
  return page(title, `<h1>${text(title)}</h1><p>${text(sentence)}</p>`)
}

function page(title: string, body: string, aside = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,"><title>${text(title)} · Demo identity provider</title><style>${css}</style></head><body><header><span class="mark" aria-hidden="true"></span>Demo identity provider</header><main>${body}</main>${aside ? `<aside>${aside}</aside>` : ''}</body></html>`
}

export function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
