/**
 * Text that people chose, such as a name, as it may stand in an e-mail or a chat message: one line of at most `most`
 * characters, without invisible characters and markup, and with nothing that a client would turn into a link or an address.
 */
export function harmless(text: string, most = 80): string {
  const line = text
    // full-width and other forms of . : / @ < >
    .normalize('NFKC')
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .replace(/[<>|`"\\[\]{}]+/g, ' ')
    .replace(/[:/]{2,}/g, ' ')
    // a dot with something behind it makes a host name, an @ an address, a colon a scheme (mailto:, tel:)
    .replace(/[.@:\u3002](?=\S)/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
  const characters = Array.from(line)
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : line
}
