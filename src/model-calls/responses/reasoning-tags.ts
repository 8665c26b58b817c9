/** Tags around the reasoning of models whose server does not parse it. */
const TAGS = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<thought>', '</thought>'],
  ['<seed:think>', '</seed:think>'],
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
] as const
/** Some chat templates contain the opening tag, so that the answer has only this closing tag, on a separate line. */
const ORPHAN_TAG = '</think>'
/** Characters buffered to detect whether the tag is on a separate line. */
const MAX_LINE_END = 100
/** Characters buffered at the start, because white space may precede a tag. */
const MAX_BUFFERED = 1000

export interface SplitText {
  text: string
  reasoning: string
  /** the start of the answer, if all text so far was reasoning */
  answer?: string
}

/**
 * Separates reasoning between tags at the start of a streamed answer. A possible part of a tag is buffered until the next chunk.
 * Tags that are only mentioned later in the text are ignored.
 */
export function createReasoningSplitter() {
  let state: 'start' | 'thinking' | 'after' | 'text' = 'start'
  let close = ''
  let buffer = ''
  /** end of the text returned so far */
  let last = ''
  let opened = false

  return {
    push(chunk: string): SplitText {
      buffer += chunk
      let reasoning = ''
      if (state === 'start') {
        const begin = buffer.trimStart()
        const tag = TAGS.find(([open]) => begin.startsWith(open))
        if (tag === undefined && buffer.length < MAX_BUFFERED && TAGS.some(([open]) => open.startsWith(begin)))
          return { text: '', reasoning }
        state = tag === undefined ? 'text' : 'thinking'
        if (tag !== undefined) {
          close = tag[1]
          buffer = begin.slice(tag[0].length).replace(/^\s+/, '')
        }
      }
      if (state === 'thinking') {
        const at = buffer.indexOf(close)
        const until = at === -1 ? buffer.length - partialTagLength(close, buffer) : at
        reasoning = buffer.slice(0, until)
        buffer = at === -1 ? buffer.slice(until) : buffer.slice(at + close.length)
        if (at === -1) return { text: '', reasoning }
        state = 'after'
      }
      if (state === 'after') {
        buffer = buffer.trimStart()
        if (buffer === '') return { text: '', reasoning }
        opened = true
        state = 'text'
      }
      return textUntilOrphan(reasoning)
    },
    /** Returns the buffer, which contains no tag. */
    end(): SplitText {
      const rest = buffer
      buffer = ''
      if (state === 'thinking') return { text: '', reasoning: rest }
      return isOrphan(rest.trimEnd()) ? { text: '', reasoning: '', answer: '' } : { text: rest, reasoning: '' }
    },
  }

  function textUntilOrphan(reasoning: string): SplitText {
    opened ||= (last + buffer).includes('<think')
    const at = opened ? -1 : buffer.indexOf(ORPHAN_TAG)
    if (at === -1) return { text: take(buffer.length - (opened ? 0 : partialTagLength(ORPHAN_TAG, buffer))), reasoning }
    const text = take(at)
    const line = buffer.slice(0, MAX_LINE_END)
    // The rest of the line determines whether the tag is on a separate line.
    if (buffer.length < MAX_LINE_END && isOrphan(line.trimEnd()) && !line.includes('\n')) return { text, reasoning }
    const isSeparateLine = isOrphan(line.split('\n', 1)[0]?.trimEnd()) && line.includes('\n')
    opened = true
    if (!isSeparateLine) return { text: text + take(buffer.length), reasoning }
    buffer = buffer.slice(ORPHAN_TAG.length).trimStart()
    state = buffer === '' ? 'after' : 'text'
    return { text, reasoning, answer: take(buffer.length) }
  }

  function isOrphan(line: string | undefined): boolean {
    return !opened && line === ORPHAN_TAG && /(?:^|\n)$/.test(last)
  }

  function take(until: number): string {
    const text = buffer.slice(0, until)
    buffer = buffer.slice(until)
    last = (last + text).slice(-ORPHAN_TAG.length)
    return text
  }
}

/** Characters at the end of a text that can be the start of a tag. */
function partialTagLength(tag: string, text: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (tag.startsWith(text.slice(-length))) return length
  return 0
}
