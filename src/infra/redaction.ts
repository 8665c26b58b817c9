import { pipeline, type Readable, Transform } from 'node:stream'

const REPLACEMENT = '•••'
/** Shorter values would be removed from ordinary text. */
const MIN_SECRET_CHARACTERS = 4

/** The secrets as they are written in plain text, URLs and JSON, longest first. */
export function secretForms(secrets: (string | undefined)[]): string[] {
  const values = secrets.filter((value): value is string => (value?.length ?? 0) >= MIN_SECRET_CHARACTERS)
  const forms = values.flatMap((value) => {
    const json = JSON.stringify(value).slice(1, -1)
    const form = new URLSearchParams({ '': value }).toString().slice(1)
    return [value, encodeURIComponent(value), form, json, json.replaceAll('/', '\\/')]
  })
  return [...new Set(forms)].sort((a, b) => b.length - a.length)
}

/** Redacts secrets in a whole text, also in JSON that writes some of their characters as `\u0041`. */
export function redact(text: string, secrets: string[]): string {
  const redactor = createRedactor(secrets)
  const redacted = redactor.push(text) + redactor.end()
  if (secrets.length === 0 || !redacted.includes('\\u')) return redacted
  return redacted.replace(new RegExp(secrets.map(patternWithEscapes).join('|'), 'g'), REPLACEMENT)
}

/**
 * Redacts secrets in a text that arrives in pieces, longest first. It holds back only the end of a piece that may be the start of a
 * secret, until the next piece arrives.
 */
export function createRedactor(secrets: string[], replacement = REPLACEMENT) {
  const pattern = new RegExp(secrets.map(escapeRegExp).join('|') || '(?!)', 'g')
  const maxLength = secrets[0]?.length ?? 0
  let pending = ''

  return {
    push(piece: string): string {
      const text = pending + piece
      let output = ''
      let from = 0
      for (const { 0: secret, index } of text.matchAll(pattern)) {
        // it may be the start of a longer secret whose end has not arrived
        if (text.length - index < maxLength && isStartOfSecret(text.slice(index))) break
        output += text.slice(from, index) + replacement
        from = index + secret.length
      }
      let until = Math.max(from, text.length - maxLength + 1)
      while (until < text.length && !isStartOfSecret(text.slice(until))) until++
      pending = text.slice(until)
      return output + text.slice(from, until)
    },
    /** The rest, which turned out not to be the start of a secret. */
    end(): string {
      const rest = pending.replace(pattern, replacement)
      pending = ''
      return rest
    },
  }

  function isStartOfSecret(text: string): boolean {
    return secrets.some((secret) => secret.length > text.length && secret.startsWith(text))
  }
}

/** Redacts bytes of any encoding. Destroying the result destroys `body`. */
export function redactStream(body: Readable, secrets: string[]): Readable {
  if (secrets.length === 0) return body
  const redactor = createRedactor(secrets.map(toByteString), toByteString(REPLACEMENT))
  const redacted = new Transform({
    transform: (chunk: Buffer, _, done) => done(null, Buffer.from(redactor.push(chunk.toString('latin1')), 'latin1')),
    flush: (done) => done(null, Buffer.from(redactor.end(), 'latin1')),
  })
  return pipeline(body, redacted, () => {})
}

function toByteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Matches each character itself or its JSON escape, whose digits may be in either case. */
function patternWithEscapes(secret: string): string {
  const units = Array.from({ length: secret.length }, (_, at) => secret.charAt(at))
  return units.map((unit) => `(?:${escapeRegExp(unit)}|\\\\u${hexPattern(unit)})`).join('')
}

function hexPattern(unit: string): string {
  const digits = unit.charCodeAt(0).toString(16).padStart(4, '0')
  return digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
