import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { readSpec, specHash } from '../../../clients/threescale/specs/spec.js'
import type { ApiDoc, Threescale } from '../../../clients/threescale/types.js'
import type { Cache } from '../../../infra/cache.js'
import { withDeadline } from '../../../infra/deadline.js'
import type { SpecRef } from '../catalogue/snapshot.js'
import { type SpecFacts, specFacts } from './spec-facts.js'

const DAY = 86_400
/** How long one refresh of the catalogue waits for all documents together. */
const MAX_WAIT_MS = 3000
/** characters hashed or read before yielding to the event loop */
const CHARACTERS_PER_TURN = 200_000

interface CachedSpec {
  hash: string
  text: string
}

/** A document with its product and the hash of its text. */
type ProductSpec = ApiDoc & { productId: number; hash: string }

/** Never rejects; undefined if the document cannot be read. */
export type SpecFactsReader = (text: string) => Promise<SpecFacts | undefined>

export interface SpecsDeps {
  threescale: Pick<Threescale, 'readApiDoc'>
  cache: Cache
  /** in this thread by default */
  readFacts?: SpecFactsReader | undefined
  waitMs?: number
}

const readInThread: SpecFactsReader = async (text) => specFacts(readSpec(text))

/** The uploaded specs. Their facts are part of the snapshot; their texts, which are much larger, are cached separately. */
export function createSpecs({ threescale, cache, readFacts = readInThread, waitMs = MAX_WAIT_MS }: SpecsDeps) {
  const texts = cache.cached<CachedSpec>('specs', { freshSeconds: 365 * DAY, maxAgeSeconds: 30 * DAY }, async (id) => {
    const { body } = await threescale.readApiDoc(Number(id))
    return { hash: specHash(body), text: body }
  })
  /** documents remain the same objects while 3scale's list does not change */
  const hashOf = new WeakMap<ApiDoc, string>()
  const factsOf = new Map<number, { hash: string; facts: SpecFacts }>()
  let round: Promise<void> | undefined
  /** hashes of the cached texts */
  const stored = new Map<number, string>()

  return {
    /**
     * The facts in each product's spec. Only changed texts are read and stored. Reading that exceeds the time limit continues in the
     * background for the next refresh; until then, the facts from before the change are returned.
     */
    async read(docs: ApiDoc[]): Promise<Map<number, { ref: SpecRef; facts: SpecFacts }>> {
      const linked: ProductSpec[] = []
      const turns = createTurns()
      for (const doc of docs) {
        if (doc.productId === undefined) continue
        const known = hashOf.get(doc)
        if (known === undefined) await turns.after(doc.body.length)
        const hash = known ?? specHash(doc.body)
        hashOf.set(doc, hash)
        linked.push({ ...doc, productId: doc.productId, hash })
      }
      const changed = linked.filter(({ id, hash }) => factsOf.get(id)?.hash !== hash).sort(quickestFirst)
      await readWithin(waitMs, changed)
      const ids = new Set(docs.map(({ id }) => id))
      for (const map of [factsOf, stored]) for (const id of map.keys()) if (!ids.has(id)) map.delete(id)
      void storeTexts(changed.filter(({ id, hash }) => stored.get(id) !== hash))
      return new Map(
        linked.map(({ id, hash, productId }) => {
          const facts = factsOf.get(id)?.facts ?? { declared: {}, operations: [] }
          return [productId, { ref: { id, hash }, facts }]
        }),
      )
    },

    /** The text as uploaded: no call if this replica or Redis has it. */
    async readText({ id, hash }: SpecRef): Promise<string> {
      const cached = (await texts.get(String(id))).value
      return cached.hash === hash ? cached.text : (await texts.reload(String(id))).value.text
    },
  }

  /** One round at a time, because texts in the queue occupy memory. */
  async function readWithin(ms: number, docs: ProductSpec[]): Promise<void> {
    const started = performance.now()
    if (round) await withDeadline(round, ms)
    if (round) return
    round = readAll(docs).finally(() => {
      round = undefined
    })
    await withDeadline(round, ms - (performance.now() - started))
  }

  async function readAll(docs: ProductSpec[]): Promise<void> {
    const turns = createTurns()
    const readings: Promise<void>[] = []
    for (const { id, hash, body } of docs) {
      await turns.after(body.length)
      readings.push(
        readFacts(body).then((facts) => {
          if (facts) factsOf.set(id, { hash, facts })
          else factsOf.delete(id)
        }),
      )
    }
    await Promise.all(readings)
  }

  async function storeTexts(docs: ProductSpec[]): Promise<void> {
    for (const { id, hash, body } of docs) {
      stored.set(id, hash)
      await texts.put(String(id), { hash, text: body })
    }
  }
}

/** JSON before YAML and short before long, so a slow document delays none of the others. */
function quickestFirst(one: ApiDoc, other: ApiDoc): number {
  return Number(isYaml(one)) - Number(isYaml(other)) || one.body.length - other.body.length
}

function isYaml({ body }: ApiDoc): boolean {
  return !/^\s{0,100}\{/.test(body)
}

/** Yields to the event loop after a number of characters. */
function createTurns() {
  let characters = 0
  return {
    async after(more: number): Promise<void> {
      characters += more
      if (characters <= CHARACTERS_PER_TURN) return
      characters = 0
      await yieldToEventLoop()
    },
  }
}
