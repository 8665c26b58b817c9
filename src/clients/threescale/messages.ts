/** porta's messages about an attribute (config/locales, app/models, app/lib/authentication.rb) as sentences for people. */
const sentences: [message: RegExp, sentence: string][] = [
  [/^can't be blank$/, 'This is required.'],
  [/^has already been taken$/, 'This is already taken.'],
  [/^is too long \(maximum is (\d+) characters?\)$/, 'Use at most $1 characters.'],
  [/^is too short \(minimum is (\d+) characters?\)$/, 'Use at least $1 characters.'],
  [/^(invalid|is invalid)$/, 'This value is not valid.'],
  [/^illegal value$/, 'Use one of the choices.'],
  [/^must contain at least one alphanumeric character$/, 'Use at least one letter or digit, on one line.'],
  [/^should look like an email address$/, 'Use the form of an e-mail address, such as ada@example.com.'],
  [/^use only letters, numbers, and \.-_@\+ please\.$/, 'Use only letters, digits and . - _ @ +.'],
]

/** Several messages of one attribute as one text. A message that is not known is a sentence of its own. */
export function sentenceOf(messages: string[]): string {
  return messages.map(sentence).join(' ')
}

function sentence(message: string): string {
  const known = sentences.find(([pattern]) => pattern.test(message))
  if (known) return message.replace(...known)
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
