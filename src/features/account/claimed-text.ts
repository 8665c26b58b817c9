import { beyondBmp, withoutBeyondBmp } from '../../clients/threescale/text.js'
import { isProblem } from '../../errors.js'

/**
 * Does the work with these texts, and once more without the characters that the tenant's database cannot hold where 3scale
 * refused a claim of the sign-in (`claimed`, by name), which cannot be corrected here. What a person typed stays as it is,
 * to be refused at its field.
 */
export async function orStripped<R>(
  texts: Record<string, string>,
  claimed: ReadonlySet<string>,
  work: (texts: Record<string, string>) => Promise<R>,
): Promise<R> {
  try {
    return await work(texts)
  } catch (error) {
    if (!isProblem(error, 'invalid_fields')) throw error
    const { fields = {} } = error
    const isStrippable = ([name, text]: [string, string]) => claimed.has(name) && beyondBmp(text).length > 0
    const all = Object.entries(texts)
    if (!all.some((entry) => entry[0] in fields && isStrippable(entry))) throw error
    const stripped = all.map((entry) => (isStrippable(entry) ? [entry[0], withoutBeyondBmp(entry[1])] : entry))
    return work(Object.fromEntries(stripped) as Record<string, string>)
  }
}
