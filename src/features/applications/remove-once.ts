import { isProblem } from '../../errors.js'

/**
 * Sends a removal to 3scale. Where 3scale fails or its answer is lost, looks whether it is done all the same; its back-end
 * receives removals from a job that is repeated until it succeeds. Rejects as `remove`, where it is not done.
 */
export async function removeOnce(remove: () => Promise<void>, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await remove()
  } catch (error) {
    if (!isProblem(error, 'threescale_unavailable') || !(await isDone())) throw error
  }
}
