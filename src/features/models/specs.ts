import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import type { Cache } from '../../clients/cache.js'
import type { ApiDoc, Threescale } from '../../clients/threescale/nouns.js'
import { readSpec, specHash } from '../../clients/threescale/spec.js'
import type { SpecRef } from './snapshot.js'
import { type SpecFacts, specFacts } from './spec-facts.js'

const DAY = 86_400
/** What one refresh of the catalogue waits for documents, all together. */
const WAIT_MS = 3000
/** characters that are hashed or read here before other work of this process gets its turn */
const AT_ONCE = 200_000

interface Body {
  hash: string
  text: string
}

/** A document with its product, and the hash of its text. */
type Linked = ApiDoc & { productId: number; hash: string }

/** Rejects never; undefined: the document cannot be read, now or at all. */
export type FactsReader = (text: string) => Promise<SpecFacts | undefined>

export interface SpecsDeps {
  threescale: Pick<Threescale, 'readApiDoc'>
  cache: Cache
  /** in this thread by default */
  readFacts?: FactsReader | undefined
  waitMs?: number
}

const readHere: FactsReader = async (text) => specFacts(readSpec(text))

/** The uploaded specs: what they tell is in the snapshot, their texts (often much larger) are kept apart from it. */
export function createSpecs({ threescale, cache, readFacts = readHere, waitMs = WAIT_MS }: SpecsDeps) {
  const bodies = cache.cached<Body>('specs', { fresh: 365 * DAY, keep: 30 * DAY }, async (id) => {
    const { body } = await threescale.readApiDoc(Number(id))
    return { hash: specHash(body), text: body }
  })
  const known = new Map<number, { hash: string; told: SpecFacts }>()
  let round: Promise<void> | undefined
  /** hashes of the texts that are kept */
  const stored = new Map<number, string>()

  return {
    /**
     * What each product's spec says; only texts that changed are read and kept. What is not read in time is read on in the
     * background, for the next refresh; until then, a spec counts as it was before its change.
     */
    async take(docs: ApiDoc[]): Promise<Map<number, { ref: SpecRef; told: SpecFacts }>> {
      const linked: Linked[] = []
      const turns = createTurns()
      for (const doc of docs) {
        if (doc.productId === undefined) continue
        await turns.after(doc.body.length)
        linked.push({ ...doc, productId: doc.productId, hash: specHash(doc.body) })
      }
      const changed = linked.filter(({ id, hash }) => known.get(id)?.hash !== hash).sort(quickestFirst)
      await readWithin(waitMs, changed)
      const ids = new Set(docs.map(({ id }) => id))
      for (const each of [known, stored]) for (const id of each.keys()) if (!ids.has(id)) each.delete(id)
      void keep(changed.filter(({ id, hash }) => stored.get(id) !== hash))
      return new Map(
        linked.map(({ id, hash, productId }) => {
          const told = known.get(id)?.told ?? { declared: {}, operations: [] }
          return [productId, { ref: { id, hash }, told }]
        }),
      )
    },

    /** The text as uploaded: no call where this replica or Redis has it. */
    async read({ id, hash }: SpecRef): Promise<string> {
      const kept = (await bodies.get(String(id))).value
      return kept.hash === hash ? kept.text : (await bodies.reload(String(id))).value.text
    },
  }

  /** One round at a time: texts that wait to be read take memory. */
  async function readWithin(ms: number, docs: Linked[]): Promise<void> {
    const started = performance.now()
    if (round) await withinMs(ms, round)
    if (round) return
    round = readAll(docs).finally(() => {
      round = undefined
    })
    await withinMs(ms - (performance.now() - started), round)
  }

  async function readAll(docs: Linked[]): Promise<void> {
    const turns = createTurns()
    const readings: Promise<void>[] = []
    for (const { id, hash, body } of docs) {
      await turns.after(body.length)
      readings.push(
        readFacts(body).then((told) => {
          if (told) known.set(id, { hash, told })
          else known.delete(id)
        }),
      )
    }
    await Promise.all(readings)
  }

  async function keep(docs: Linked[]): Promise<void> {
    for (const { id, hash, body } of docs) {
      stored.set(id, hash)
      await bodies.put(String(id), { hash, text: body })
    }
  }
}

/** JSON before YAML, and short before long: one that takes its time holds up none of the others. */
function quickestFirst(one: ApiDoc, other: ApiDoc): number {
  return Number(isYaml(one)) - Number(isYaml(other)) || one.body.length - other.body.length
}

function isYaml({ body }: ApiDoc): boolean {
  return !/^\s{0,100}\{/.test(body)
}

async function withinMs(ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController()
  await Promise.race([work, sleep(ms, undefined, { signal: over.signal }).catch(() => {})])
  over.abort()
}

/** Lets other work of this process have its turn after so many characters. */
function createTurns() {
  let characters = 0
  return {
    async after(more: number): Promise<void> {
      characters += more
      if (characters <= AT_ONCE) return
      characters = 0
      await breathe()
    },
  }
}
