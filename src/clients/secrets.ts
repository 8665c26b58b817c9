import { pipeline, type Readable, Transform } from 'node:stream'

const HIDDEN = '•••'

/** `secrets` and how they are written in addresses and JSON; what is too short to tell anything is left out. */
export function written(secrets: (string | undefined)[]): string[] {
  const plain = secrets.filter((value): value is string => value !== undefined && value.length > 3)
  const forms = plain.flatMap((value) => {
    const json = JSON.stringify(value).slice(1, -1)
    return [value, encodeURIComponent(value), new URLSearchParams({ '': value }).toString().slice(1), json].concat(
      json.replaceAll('/', '\\/'),
    )
  })
  return [...new Set(forms)].sort((a, b) => b.length - a.length)
}

/** Takes secrets out of a whole text, also where it is JSON that writes some of their characters as `\u0041`. */
export function hide(text: string, secrets: string[]): string {
  const hiding = createHiding(secrets)
  const shown = hiding.push(text) + hiding.end()
  if (secrets.length === 0 || !shown.includes('\\u')) return shown
  return shown.replace(new RegExp(secrets.map(escapedOrNot).join('|'), 'g'), HIDDEN)
}

/**
 * Takes secrets out of a text that comes in pieces, longest first. Of a piece it keeps back only what may be the beginning
 * of a secret, until the next one shows.
 */
export function createHiding(secrets: string[], hidden = HIDDEN) {
  const expression = new RegExp(secrets.map(literal).join('|') || '(?!)', 'g')
  const longest = secrets[0]?.length ?? 0
  let held = ''

  return {
    push(piece: string): string {
      const text = held + piece
      let shown = ''
      let from = 0
      for (const { 0: secret, index } of text.matchAll(expression)) {
        // it may be the beginning of a longer one that is not all here yet
        if (text.length - index < longest && isBeginning(text.slice(index))) break
        shown += text.slice(from, index) + hidden
        from = index + secret.length
      }
      let until = Math.max(from, text.length - longest + 1)
      while (until < text.length && !isBeginning(text.slice(until))) until++
      held = text.slice(until)
      return shown + text.slice(from, until)
    },
    /** What was kept back: no secret began there after all. */
    end(): string {
      const rest = held.replace(expression, hidden)
      held = ''
      return rest
    },
  }

  function isBeginning(text: string): boolean {
    return secrets.some((secret) => secret.length > text.length && secret.startsWith(text))
  }
}

/** The same for bytes, whatever they are. Who ends what is given ends `body`. */
export function hiddenIn(body: Readable, secrets: string[]): Readable {
  if (secrets.length === 0) return body
  const hiding = createHiding(secrets.map(bytewise), bytewise(HIDDEN))
  const clean = new Transform({
    transform: (chunk: Buffer, _, done) => done(null, Buffer.from(hiding.push(chunk.toString('latin1')), 'latin1')),
    flush: (done) => done(null, Buffer.from(hiding.end(), 'latin1')),
  })
  return pipeline(body, clean, () => {})
}

function bytewise(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A pattern for each character as it is or as a JSON escape, whose digits may be in either case. */
function escapedOrNot(secret: string): string {
  const units = Array.from({ length: secret.length }, (_, at) => secret.charAt(at))
  return units.map((unit) => `(?:${literal(unit)}|\\\\u${hexOf(unit)})`).join('')
}

function hexOf(unit: string): string {
  const digits = unit.charCodeAt(0).toString(16).padStart(4, '0')
  return digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
