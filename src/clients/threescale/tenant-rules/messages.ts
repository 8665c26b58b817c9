export const textMessages = {
  tooLong: (max: number) => `Use at most ${max.toLocaleString('en')} characters.`,
  oneLine: 'Use one line.',
  controlCharacter: (codePoint: string) => `Remove the control character U+${codePoint}.`,
  fieldsTooLong: 'All fields together can contain up to 60,000 bytes. Shorten this field, which is the longest.',
  unsupportedCharacters: ([first = '', ...others]: string[]) =>
    others.length === 0
      ? `3scale cannot store this character: ${first}. Remove it.`
      : `3scale cannot store these characters: ${[first, ...others].slice(0, 5).join(' ')}${others.length > 4 ? ' and others' : ''}. Remove them.`,
}

export const LAST_ADMIN = 'An account needs at least one admin. Assign the admin role to another member first.'
