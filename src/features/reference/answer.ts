import type { Readable } from 'node:stream'

/** An answer as it is shown: bounded. */
export interface Answer {
  status: number
  ms: number
  headers: [name: string, value: string][]
  /** empty where there is nothing to read */
  text: string
  type: string
  /** what is not shown, or how it ended, in sentences */
  notes: string[]
}

/** Characters of an answer that are shown. */
export const SHOWN = 64 * 1024
const MOST = 1_000_000

/** Headers that help to understand an answer; others may be anybody's business, such as cookies. */
const chosen =
  /^(content-(type|length|language|encoding)|retry-after|ratelimit(-.*)?|x-ratelimit-.*|x-request-id|allow|location|www-authenticate|deprecation|sunset|server-timing)$/

/** Reads an answer to its end, to its bound or until `signal` ends it, whatever comes first; never rejects. */
export async function readAnswer(
  answer: { status: number; headers: Record<string, string>; body: Readable },
  { signal, ms }: { signal: AbortSignal; ms: () => number },
): Promise<Answer> {
  const type = answer.headers['content-type'] ?? ''
  const { bytes, size, ended } = await collect(answer.body, textual(type))
  const isText = textual(type) && !(type === '' && bytes.includes(0))
  const whole = bytes.toString('utf8')
  const cut = isText && (whole.length > SHOWN || ended === 'bound')
  return {
    status: answer.status,
    ms: ms(),
    headers: Object.entries(answer.headers)
      .filter(([name]) => chosen.test(name))
      .map(([name, value]) => [name, value.slice(0, 500)]),
    text: isText ? whole.slice(0, SHOWN) : '',
    type,
    notes: [
      ...(/event-stream/.test(type) ? ['The answer came as a stream of events.'] : []),
      ...(isText || size === 0
        ? []
        : [`${sizeWords(size, ended)} of ${type || 'binary data'}, which is not shown here.`]),
      ...(cut ? ['Only the beginning is shown.'] : []),
      ...(ended === 'broken' && signal.aborted ? ['The answer took too long and was ended here.'] : []),
      ...(ended === 'broken' && !signal.aborted ? ['The answer broke off: the connection ended early.'] : []),
    ],
  }
}

async function collect(body: Readable, keep: boolean) {
  const chunks: Buffer[] = []
  let size = 0
  let ended: 'whole' | 'bound' | 'broken' = 'whole'
  const most = keep ? SHOWN * 4 : MOST
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (keep) chunks.push(chunk)
      if (size <= most) continue
      ended = 'bound'
      break
    }
  } catch {
    ended = 'broken'
  }
  return { bytes: Buffer.concat(chunks), size, ended }
}

function textual(type: string): boolean {
  return type === '' || /^text\/|json|xml|yaml|javascript|x-www-form-urlencoded/i.test(type)
}

function sizeWords(size: number, ended: string): string {
  return ended === 'bound' ? 'More than 1 MB' : `${size.toLocaleString('en-US')} bytes`
}
