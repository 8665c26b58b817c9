import { pipeline, type Readable, Transform } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createHiding } from '../../clients/secrets.js'

const LONGEST_EVENT = 1_000_000
/** kinds of text in an answer (content, reasoning, …); no model says more of them */
const VOICES = 32

interface Chunk {
  choices?: ({ index?: number; text?: unknown; delta?: Record<string, unknown> } | null)[]
}

/**
 * Server-sent events of a model with secrets taken out of what is said. It comes token by token, so a secret that a model
 * repeats is in no single event; an event that ends like a secret begins waits for the next one. All else passes as it is.
 */
export function spokenWithout(secrets: string[], from: Readable): Readable {
  const decoder = new StringDecoder('utf8')
  const voices = new Map<string, { hiding: ReturnType<typeof createHiding>; say(rest: string): object }>()
  let rest = ''

  const clean = new Transform({
    transform(chunk: Buffer, _, done) {
      const blocks = (rest + decoder.write(chunk)).split(/(?<=\n\r?\n)/)
      rest = /\n\r?\n$/.test(blocks.at(-1) ?? '') ? '' : (blocks.pop() ?? '')
      if (rest.length > LONGEST_EVENT) return done(new Error('an event without an end'))
      done(null, blocks.map(cleaned).join(''))
    },
    flush(done) {
      done(null, cleaned(rest + decoder.end()) + leftovers())
    },
  })
  return pipeline(from, clean, () => {})

  function cleaned(block: string): string {
    const data = /^data: ?(.*)$/m.exec(block)?.[1] ?? ''
    if (data.trim() === '[DONE]') return leftovers() + block
    const chunk = chunkOf(data)
    if (!Array.isArray(chunk?.choices) || !chunk.choices.map(quieten).some(Boolean)) return block
    return block.replace(/^data:.*$/m, () => `data: ${JSON.stringify(chunk)}`)
  }

  /** Whether something had to be taken out or kept back. */
  function quieten(choice: NonNullable<Chunk['choices']>[number], place: number): boolean {
    if (typeof choice !== 'object' || choice === null) return false
    const index = choice.index ?? place
    const delta = choice.delta ?? {}
    const changes = Object.entries(delta).map(([name, said]) => {
      if (typeof said !== 'string' || name === 'role') return false
      delta[name] = pushed(`${index} delta ${name}`, said, (text) => ({ index, delta: { [name]: text } }))
      return delta[name] !== said
    })
    if (typeof choice.text !== 'string') return changes.some(Boolean)
    const said = choice.text
    choice.text = pushed(`${index} text`, said, (text) => ({ index, text }))
    return choice.text !== said || changes.some(Boolean)
  }

  function pushed(name: string, said: string, say: (rest: string) => object): string {
    const voice = voices.get(name) ?? { hiding: createHiding(secrets), say }
    if (voices.size >= VOICES && !voices.has(name)) return ''
    voices.set(name, voice)
    return voice.hiding.push(said)
  }

  function leftovers(): string {
    return [...voices.values()]
      .map(({ hiding, say }) => ({ text: hiding.end(), say }))
      .filter(({ text }) => text !== '')
      .map(({ text, say }) => `data: ${JSON.stringify({ choices: [say(text)] })}\n\n`)
      .join('')
  }
}

function chunkOf(data: string): Chunk | null | undefined {
  try {
    return JSON.parse(data) as Chunk
  } catch {
    return undefined
  }
}
