import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Cache } from '../../clients/cache.js'
import type { ApiDoc, Threescale } from '../../clients/threescale/nouns.js'
import { readSpec } from '../../clients/threescale/spec.js'
import type { Facts } from './facts.js'
import type { SpecRef } from './snapshot.js'
import { specFacts } from './spec-facts.js'

const DAY = 86_400

interface Body {
  hash: string
  text: string
}

/** What a spec tells: what its author declared, and what its paths and examples show. */
export interface SpecFacts {
  declared: Facts
  deduced: Facts
}

/** The uploaded specs: what they tell is in the snapshot, their texts (often much larger) are kept apart from it. */
export function createSpecs({ threescale, cache }: { threescale: Pick<Threescale, 'readApiDoc'>; cache: Cache }) {
  const bodies = cache.cached<Body>('specs', { fresh: 365 * DAY, keep: 30 * DAY }, async (id) => {
    const { body } = await threescale.readApiDoc(Number(id))
    return { hash: hashOf(body), text: body }
  })
  const known = new Map<number, { hash: string; told: SpecFacts }>()

  return {
    /** What each product's spec tells; only texts that changed are parsed and kept, a breath between large ones. */
    async take(docs: ApiDoc[]): Promise<Map<number, { ref: SpecRef; told: SpecFacts }>> {
      const result = new Map<number, { ref: SpecRef; told: SpecFacts }>()
      const changed: ApiDoc[] = []
      let parsed = 0
      for (const doc of docs) {
        if (doc.productId === undefined) continue
        const hash = hashOf(doc.body)
        let own = known.get(doc.id)
        if (own?.hash !== hash) {
          own = { hash, told: specFacts(readSpec(doc.body)) }
          known.set(doc.id, own)
          changed.push(doc)
          parsed += doc.body.length
          if (parsed > 500_000) {
            parsed = 0
            await breathe()
          }
        }
        result.set(doc.productId, { ref: { id: doc.id, hash }, told: own.told })
      }
      const ids = new Set(docs.map(({ id }) => id))
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
      void keep(changed)
      return result
    },

    /** The text as uploaded: no call where this replica or Redis has it. */
    async read({ id, hash }: SpecRef): Promise<string> {
      const kept = (await bodies.get(String(id))).value
      return kept.hash === hash ? kept.text : (await bodies.reload(String(id))).value.text
    },
  }

  async function keep(docs: ApiDoc[]): Promise<void> {
    for (const { id, body } of docs) await bodies.put(String(id), { hash: hashOf(body), text: body })
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
