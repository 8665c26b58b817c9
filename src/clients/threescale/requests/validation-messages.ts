/** porta's messages about an attribute (config/locales, app/models, app/lib/authentication.rb), rewritten for users. */
const rewrites: [message: RegExp, replacement: string][] = [
  [/^can't be blank$/, 'This is required.'],
  [/^has already been taken$/, 'This is already taken.'],
  [/^is too long \(maximum is (\d+) characters?\)$/, 'Use at most $1 characters.'],
  [/^is too short \(minimum is (\d+) characters?\)$/, 'Use at least $1 characters.'],
  [/^(invalid|is invalid)$/, 'This value is not valid.'],
  [/^illegal value$/, 'Use one of the choices.'],
  [/^must contain at least one alphanumeric character$/, 'Use at least one alphanumeric character, on one line.'],
  [/^should look like an email address$/, 'Enter an e-mail address, such as ada@example.com.'],
  [/^use only letters, numbers, and \.-_@\+ please\.$/, 'Use only alphanumeric characters and . - _ @ +.'],
]

export const CANNOT_BE_DELETED = 'This cannot be deleted.'

/** The messages of one attribute as one text. An unknown message becomes a sentence. */
export function validationMessage(messages: string[]): string {
  return messages.map(rewrite).join(' ')
}

function rewrite(message: string): string {
  const known = rewrites.find(([pattern]) => pattern.test(message))
  if (known) return message.replace(...known)
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
