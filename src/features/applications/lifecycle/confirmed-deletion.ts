import { isProblem } from '../../../errors.js'

/**
 * Sends a deletion to 3scale. If 3scale fails or its response is lost, checks whether the deletion was stored: 3scale's
 * backend receives deletions from a job that is repeated until it succeeds. Rejects like `send` if it was not.
 */
export async function deleteConfirmed(send: () => Promise<void>, isDeleted: () => Promise<boolean>): Promise<void> {
  try {
    await send()
  } catch (error) {
    if (!isProblem(error, 'threescale_unavailable') || !(await isDeleted())) throw error
  }
}
