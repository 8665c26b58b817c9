import { beyondBmp, withoutBeyondBmp } from '../../clients/threescale/tenant-rules/text-limits.js'
import { isProblem } from '../../errors.js'

/**
 * Where 3scale rejects a claim of the sign-in, because the tenant's database cannot store some of its characters, repeats the
 * work without these characters: the user cannot correct a claim here. Text that the user typed is not changed, so that its
 * field shows the error. `claimNames` are the names of the texts that are claims.
 */
export async function retryWithoutUnstorableClaims<R>(
  texts: Record<string, string>,
  claimNames: ReadonlySet<string>,
  work: (texts: Record<string, string>) => Promise<R>,
): Promise<R> {
  try {
    return await work(texts)
  } catch (error) {
    if (!isProblem(error, 'invalid_fields')) throw error
    const { fields = {} } = error
    const isStrippable = ([name, text]: [string, string]) => claimNames.has(name) && beyondBmp(text).length > 0
    const entries = Object.entries(texts)
    if (!entries.some((entry) => entry[0] in fields && isStrippable(entry))) throw error
    const stripped = entries.map((entry) => (isStrippable(entry) ? [entry[0], withoutBeyondBmp(entry[1])] : entry))
    return work(Object.fromEntries(stripped) as Record<string, string>)
  }
}
