/**
 * Text as a literal of each language: whatever it contains, it stays that text, nothing in it is invisible, and nothing in it
 * is an expression of a template language that the code may pass before it is run (`readers.ts`).
 */

// controls, format and bidirectional characters, line separators, fillers without ink: a reader would not see what is pasted
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/gu
const oneUnseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u

/**
 * The character that makes the one before it the start of an expression, and each `$`: `${{ }}` of GitHub Actions and Continue,
 * `$[[ ]]` of GitLab, `$VAR` and `${VAR}` of envsubst and Compose, `$(VAR)` of Azure Pipelines and make, `{{ }}` and `{% %}` of
 * Helm, Ansible and Jinja, `<% %>` of ERB, `<< >>` of CircleCI, `#{ }` of Ruby, `%{ }` of Terraform, `%( )` of configparser, `(( ))` of Concourse.
 */
const opening = /\$|(?<=\{)[{%#<!]|(?<=<)[%?#<]|(?<=[#%@])[{(]|(?<=\()\(/g

/** Whether a template language would take a part of the text for an expression. */
export function holdsExpression(text: string): boolean {
  return text.search(opening) !== -1
}

/** The signs that begin an expression, kept apart from each other by what the language ignores there. */
export function apart(text: string, separator: string): string {
  return text.replace(opening, (found) => (found === '$' ? `$${separator}` : `${separator}${found}`))
}

/** JSON and JavaScript read this alike. */
export function quoted(text: string): string {
  return json(text)
}

/** A string of Python, or YAML in double quotes; JSON's pairs of surrogates would be two characters there. */
export function quotedWide(text: string): string {
  const pair = /\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/g
  const wide = (_all: string, high: string, low: string) => {
    const point = String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)).codePointAt(0) ?? 0
    return `\\U${point.toString(16).padStart(8, '0')}`
  }
  // split at escaped backslashes, so that none of them is taken for the start of `\u`
  return json(whole(text))
    .split('\\\\')
    .map((part) => part.replace(pair, wide))
    .join('\\\\')
}

export function json(value: unknown): string {
  // outside of its texts, JSON has no opening
  return jsonOfLiterals(value).replace(opening, escapeOf)
}

/** JSON whose texts are code or Markdown already, so that what would start an expression is escaped there. */
export function jsonOfLiterals(value: unknown, indent?: number): string {
  // below a blank only the line breaks of the indent are left: JSON escapes the rest by itself
  const shown = (found: string) => (found < ' ' ? found : [...unitsOf(found)].map(escapeOf).join(''))
  return JSON.stringify(value, null, indent).replace(unseen, shown)
}

/** JSON whose texts have no quote, backslash or `special` sign but as a `\\u` escape; by default it is ASCII. */
export function asciiJson(
  value: unknown,
  { special = /[^\n -~]/g, indent }: { special?: RegExp; indent?: number } = {},
): string {
  // every backslash of JSON begins an escape
  const numbered = (found: string) => escapeOf(JSON.parse(`"${found}"`) as string)
  return JSON.stringify(value, null, indent)
    .replace(/\\(?:u[0-9a-f]{4}|.)/g, numbered)
    .replace(special, escapeOf)
    .replace(opening, escapeOf)
}

/** A word of bash: bare where that is safe, else in quotes. A NUL cannot be in a word. */
export function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text)
}

export function shellQuoted(text: string): string {
  const word = whole(text).replaceAll('\0', '')
  if (!oneUnseen.test(word)) {
    return `'${apart(word.replaceAll("'", "'\\''"), "''")}'`
  }
  const bytes = (found: string) =>
    [...Buffer.from(found, 'utf8')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  return `$'${word.replace(/[\\']/g, '\\$&').replace(unseen, bytes).replace(opening, bytes)}'`
}

/** A value of a .env file; only for what `readers.ts` lets through. */
export function envValue(text: string): string {
  if (/^[\w@%+=:,./-]*$/.test(text)) return text
  return text.includes("'") ? `"${text}"` : `'${text}'`
}

/** A line of a comment: nothing in it can end the line or hide. For lines whose parts are literals already. */
export function comment(text: string): string {
  return text.replace(unseen, ' ')
}

/** Text that somebody else wrote inside a comment. A comment has no escapes, so what would start an expression is set apart. */
export function remark(text: string): string {
  return apart(comment(text), ' ')
}

/** The same for a shell: pasted into zsh, a comment may be run as a command, so only the signs of a sentence are left. */
export function shellRemark(text: string): string {
  return remark(text).replace(/[^\p{L}\p{N} .,:_{}-]/gu, ' ')
}

/** A comment of ASCII alone, for shells that read a file in the code page of the system. */
export function asciiRemark(text: string): string {
  return shellRemark(text).replace(/[^ -~]/g, '?')
}

/**
 * Text of one line of Markdown, as JupyterLab, GitHub and others read it: no link, picture, HTML, address or formula. MathJax
 * looks for formulas in what is shown, so the signs that begin them cannot be escaped and are left out.
 */
export function markdown(text: string): string {
  return remark(text)
    .replace(/[<>`$\\]/g, ' ')
    .replace(/[!#&*./:@[\]^_{|}~]/g, '\\$&')
}

/** A surrogate alone is no character, and no encoding has it. */
export function whole(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

function* unitsOf(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) yield text.charAt(index)
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
