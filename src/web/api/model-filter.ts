import { isProblem, problem } from '../../errors.js'
import { UNKNOWN_MODEL } from './messages.js'

/**
 * Rejects a filter by a model that is neither in the caller's catalogue nor used by their applications. It is most likely misspelled,
 * and an empty list would not show that. `find` is called only if no application uses the model.
 */
export async function checkModelFilter(
  model: string | undefined,
  { inUse, find }: { inUse: boolean; find(model: string): Promise<unknown> },
): Promise<void> {
  if (model === undefined || inUse) return
  try {
    await find(model)
  } catch (error) {
    if (!isProblem(error, 'not_found')) throw error
    throw problem('invalid_fields', { fields: { model: UNKNOWN_MODEL }, cause: error })
  }
}
