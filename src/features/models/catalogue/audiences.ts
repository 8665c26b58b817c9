import type { Caller } from '../../../web/auth/caller.js'
import { type Audience, createAudience } from './audience.js'
import type { Catalogue } from './build-catalogue.js'
import type { Visibility } from './visibility.js'

/** The views of a catalogue, by what decides them: callers with the same view share one. */
export function createAudiences({ audienceKey, filterVisible }: Pick<Visibility, 'audienceKey' | 'filterVisible'>) {
  /** No promise if a caller before had the same view, and subscriptions do not decide it. */
  return (catalogue: Catalogue, caller: Caller | undefined): Audience | Promise<Audience> => {
    const key = audienceKey(caller, catalogue.snapshot.settings.servicePlansVisible)
    const known = typeof key === 'string' ? catalogue.audiences.get(key) : undefined
    return known ?? findOrCreate(catalogue, caller, key)
  }

  async function findOrCreate(
    { entries, snapshot, audiences }: Catalogue,
    caller: Caller | undefined,
    keyOfCaller: string | Promise<string>,
  ): Promise<Audience> {
    const key = await keyOfCaller
    const known = audiences.get(key)
    if (known) return known
    const visible = await filterVisible(entries, caller, snapshot.settings.servicePlansVisible)
    const audience = createAudience(key, visible, entries)
    audiences.set(key, audience)
    return audience
  }
}
