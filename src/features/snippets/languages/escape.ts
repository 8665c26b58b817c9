/**
 * Text as a literal of each language. Every text remains unchanged, has no invisible characters, and contains no expression of a
 * template language that can process the code before it runs (`interpreters.ts`).
 */

// Controls, format and bidirectional characters, line separators and blank fillers: the reader would not see them in pasted code.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/gu
const oneInvisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u

/**
 * A character that, after the previous one, starts an expression, and each `$`: `${{ }}` of GitHub Actions and Continue,
 * `$[[ ]]` of GitLab, `$VAR` and `${VAR}` of envsubst and Compose, `$(VAR)` of Azure Pipelines and Makefiles, `{{ }}` and `{% %}` of
 * Helm, Ansible and Jinja, `<% %>` of ERB, `<< >>` of CircleCI, `#{ }` of Ruby, `%{ }` of Terraform, `%( )` of configparser, `(( ))` of Concourse.
 */
const opening = /\$|(?<=\{)[{%#<!]|(?<=<)[%?#<]|(?<=[#%@])[{(]|(?<=\()\(/g

/** Whether a template language would interpret a part of the text as an expression. */
export function holdsExpression(text: string): boolean {
  return text.search(opening) !== -1
}

/** Inserts a separator that the language ignores between the characters that start an expression. */
export function separateExpressions(text: string, separator: string): string {
  return text.replace(opening, (match) => (match === '$' ? `$${separator}` : `${separator}${match}`))
}

/** A string of JSON or JavaScript. */
export function quoted(text: string): string {
  return json(text)
}

/** A string of Python, or of YAML in double quotes, where JSON's surrogate pairs would be two characters. */
export function quotedUnicode(text: string): string {
  const pair = /\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/g
  const codePoint = (_all: string, high: string, low: string) => {
    const point = String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)).codePointAt(0) ?? 0
    return `\\U${point.toString(16).padStart(8, '0')}`
  }
  // Splits at escaped backslashes, so that none of them is read as the start of `\u`.
  return json(wellFormed(text))
    .split('\\\\')
    .map((part) => part.replace(pair, codePoint))
    .join('\\\\')
}

export function json(value: unknown): string {
  // Outside of strings, JSON contains no start of an expression.
  return jsonOfLiterals(value).replace(opening, escapeOf)
}

/** JSON whose strings are code or Markdown, in which expressions are already escaped. */
export function jsonOfLiterals(value: unknown, indent?: number): string {
  // Of the characters below a blank, only line breaks of the indentation remain: JSON escapes the others.
  const visible = (match: string) => (match < ' ' ? match : [...unitsOf(match)].map(escapeOf).join(''))
  return JSON.stringify(value, null, indent).replace(invisible, visible)
}

/** JSON whose strings contain quotes, backslashes and `special` characters only as `\\u` escapes; by default it is ASCII. */
export function asciiJson(
  value: unknown,
  { special = /[^\n -~]/g, indent }: { special?: RegExp; indent?: number } = {},
): string {
  // Every backslash in JSON starts an escape sequence.
  const numbered = (match: string) => escapeOf(JSON.parse(`"${match}"`) as string)
  return JSON.stringify(value, null, indent)
    .replace(/\\(?:u[0-9a-f]{4}|.)/g, numbered)
    .replace(special, escapeOf)
    .replace(opening, escapeOf)
}

/** A word of bash: without quotes if that is safe. A NUL cannot be in a word. */
export function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text)
}

export function shellQuoted(text: string): string {
  const word = wellFormed(text).replaceAll('\0', '')
  if (!oneInvisible.test(word)) {
    return `'${separateExpressions(word.replaceAll("'", "'\\''"), "''")}'`
  }
  const bytes = (match: string) =>
    [...Buffer.from(match, 'utf8')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  return `$'${word.replace(/[\\']/g, '\\$&').replace(invisible, bytes).replace(opening, bytes)}'`
}

/** A value of a .env file; only for values that `interpreters.ts` accepts. */
export function envValue(text: string): string {
  if (/^[\w@%+=:,./-]*$/.test(text)) return text
  return text.includes("'") ? `"${text}"` : `'${text}'`
}

/** A comment line without line breaks and invisible characters. For lines whose parts are already literals. */
export function comment(text: string): string {
  return text.replace(invisible, ' ')
}

/** Text of another user inside a comment. A comment has no escapes, so the start of an expression is separated. */
export function commentText(text: string): string {
  return separateExpressions(comment(text), ' ')
}

/** The same for a shell: zsh can run a pasted comment as a command, so only plain punctuation remains. */
export function shellComment(text: string): string {
  return commentText(text).replace(/[^\p{L}\p{N} .,:_{}-]/gu, ' ')
}

/** A comment in ASCII, for shells that read a file in the code page of the system. */
export function asciiComment(text: string): string {
  return shellComment(text).replace(/[^ -~]/g, '?')
}

/**
 * One line of Markdown as JupyterLab, GitHub and others read it, without link, image, HTML, URL or formula. MathJax searches the
 * rendered text for formulas, so the characters that start them cannot be escaped and are removed.
 */
export function markdown(text: string): string {
  return commentText(text)
    .replace(/[<>`$\\]/g, ' ')
    .replace(/[!#&*./:@[\]^_{|}~]/g, '\\$&')
}

/** Replaces lone surrogates, which no encoding can represent. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

function* unitsOf(text: string): Generator<string> {
  for (let index = 0; index < text.length; index++) yield text.charAt(index)
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
