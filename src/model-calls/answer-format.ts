/** Characters after which a format is decided without the end of a line. */
const ENOUGH = 64

export type Format = 'events' | 'json' | 'page' | 'text' | 'binary'

/**
 * The format of an answer by its type and, since many types are wrong, by how it looks. Undefined where more of its
 * beginning is needed.
 */
export function formatOf(type: string, beginning: string, isEnd: boolean): Format | undefined {
  const text = beginning.trimStart()
  if (/^(?:image|audio|video|font)\/|octet-stream|vnd\.amazon\.eventstream|application\/(?:pdf|zip|gzip)/i.test(type))
    return 'binary'
  const isStream = /event-stream/i.test(type)
  if (text === '') return isStream && (isEnd || beginning.length > ENOUGH) ? 'events' : undefined
  if (/^[[{]/.test(text) && !/^\[DONE\]/i.test(text)) return 'json'
  if (isStream && !text.startsWith('<')) return 'events'
  if (!isEnd && text.length < ENOUGH && !/[\r\n]/.test(text)) return undefined
  if (/^<(?:!doctype|html|head|body|\?xml)/i.test(text) || (/html|xml/i.test(type) && text.startsWith('<')))
    return 'page'
  if (isStream || /^(?:data|event|id|retry)?:/.test(text)) return 'events'
  return /json/i.test(type) ? 'json' : 'text'
}

/** `error: out of memory`, `ValueError: …`, `Internal Server Error`: what some servers send in place of an answer. */
export function isErrorText(text: string): boolean {
  return /^\s*(?:internal server error|cuda error|[\w.]*(?:error|exception))\s*(?::|$|[\r\n])/i.test(text.slice(0, 200))
}
