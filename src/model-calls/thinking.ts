/** Marks that models put around their reasoning where the server has no parser for it. */
const MARKS = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['[THINK]', '[/THINK]'],
] as const
/** Characters that are kept back at the beginning: white space may stand before a mark. */
const MOST_HELD = 1000

/**
 * Parts an answer that begins with reasoning between marks, as it comes in pieces. What may be a part of a mark is kept
 * back until the next piece; text that only mentions a mark later is not parted.
 */
export function createThinking() {
  let state: 'start' | 'thinking' | 'after' | 'text' = 'start'
  let close = ''
  let held = ''

  return {
    push(piece: string): { text: string; reasoning: string } {
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
        state = 'text'
      }
      const text = held
      held = ''
      return { text, reasoning }
    },
    /** What was kept back: no mark began there after all. */
    end(): { text: string; reasoning: string } {
      const rest = held
      held = ''
      return state === 'thinking' ? { text: '', reasoning: rest } : { text: rest, reasoning: '' }
    },
  }
}

/** Characters at the end of a text that may be the beginning of a mark. */
function beginningOf(mark: string, text: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--)
    if (mark.startsWith(text.slice(-length))) return length
  return 0
}
