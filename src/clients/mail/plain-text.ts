/**
 * Text from a user, such as a name that is safe for an e-mail or a chat message: one line of at most `maxLength` characters, without
 * invisible characters, markup, and anything that a client would convert to a link or an address.
 */
export function toPlainText(text: string, maxLength = 80): string {
  const line = text
    // full-width and other forms of . : / @ < >
    .normalize('NFKC')
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .replace(/[<>|`"\\[\]{}]+/g, ' ')
    .replace(/[:/]{2,}/g, ' ')
    // a dot before a character forms a host name, an @ an address, a colon a scheme (mailto:, tel:)
    .replace(/[.@:\u3002](?=\S)/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
  const characters = Array.from(line)
  return characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join('')}…` : line
}
