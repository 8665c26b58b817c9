/** Marks that models put around their reasoning where the server has no parser for it. */
const MARKS = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<thought>', '</thought>'],
  ['<seed:think>', '</seed:think>'],
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
] as const
/** The chat templates of some models open the reasoning themselves, so that only this mark comes, on a line of its own. */
const ORPHAN = '</think>'
/** Characters that are kept back to see whether that mark stands alone. */
const LONGEST_LINE_END = 100
/** Characters that are kept back at the beginning: white space may stand before a mark. */
const MOST_HELD = 1000

export interface Parted {
  text: string
  reasoning: string
  /** there only where all text so far was reasoning after all: the answer that begins now */
  answer?: string
}

/**
 * Parts an answer that begins with reasoning between marks, as it comes in pieces. What may be a part of a mark is kept
 * back until the next piece; text that only mentions a mark later is not parted.
 */
export function createThinking() {
  let state: 'start' | 'thinking' | 'after' | 'text' = 'start'
  let close = ''
  let held = ''
  /** the end of what was returned as text */
  let last = ''
  let opened = false

  return {
    push(piece: string): Parted {
      held += piece
      let reasoning = ''
      if (state === 'start') {
        const begin = held.trimStart()
        const mark = MARKS.find(([open]) => begin.startsWith(open))
        if (mark === undefined && held.length < MOST_HELD && MARKS.some(([open]) => open.startsWith(begin)))
          return { text: '', reasoning }
        state = mark === undefined ? 'text' : 'thinking'
        if (mark !== undefined) {
          close = mark[1]
          held = begin.slice(mark[0].length).replace(/^\s+/, '')
        }
      }
      if (state === 'thinking') {
        const at = held.indexOf(close)
        const until = at === -1 ? held.length - beginningOf(close, held) : at
        reasoning = held.slice(0, until)
        held = at === -1 ? held.slice(until) : held.slice(at + close.length)
        if (at === -1) return { text: '', reasoning }
        state = 'after'
      }
      if (state === 'after') {
        held = held.trimStart()
        if (held === '') return { text: '', reasoning }
        opened = true
        state = 'text'
      }
      return textUntilOrphan(reasoning)
    },
    /** What was kept back: no mark began there after all. */
    end(): Parted {
      const rest = held
      held = ''
      if (state === 'thinking') return { text: '', reasoning: rest }
      return isOrphan(rest.trimEnd()) ? { text: '', reasoning: '', answer: '' } : { text: rest, reasoning: '' }
    },
  }

  function textUntilOrphan(reasoning: string): Parted {
    opened ||= (last + held).includes('<think')
    const at = opened ? -1 : held.indexOf(ORPHAN)
    if (at === -1) return { text: taken(held.length - (opened ? 0 : beginningOf(ORPHAN, held))), reasoning }
    const text = taken(at)
    const line = held.slice(0, LONGEST_LINE_END)
    // the rest of its line tells whether it stands alone
    if (held.length < LONGEST_LINE_END && isOrphan(line.trimEnd()) && !line.includes('\n')) return { text, reasoning }
    const isAlone = isOrphan(line.split('\n', 1)[0]?.trimEnd()) && line.includes('\n')
    opened = true
    if (!isAlone) return { text: text + taken(held.length), reasoning }
    held = held.slice(ORPHAN.length).trimStart()
    state = held === '' ? 'after' : 'text'
    return { text, reasoning, answer: taken(held.length) }
  }

  function isOrphan(line: string | undefined): boolean {
    return !opened && line === ORPHAN && /(?:^|\n)$/.test(last)
  }

  function taken(until: number): string {
    const text = held.slice(0, until)
    held = held.slice(until)
    last = (last + text).slice(-ORPHAN.length)
    return text
  }
}

/** Characters at the end of a text that may be the beginning of a mark. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--)
    if (mark.startsWith(text.slice(-length))) return length
  return 0
}
