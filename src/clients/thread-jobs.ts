import { parentPort } from 'node:worker_threads'

/** The other side of `createThread`: answers each job with text. An error ends the thread. */
export function answerJobs<Job>(work: (job: Job) => string): void {
  parentPort?.on('message', (job: Job) => parentPort?.postMessage(work(job)))
  parentPort?.postMessage(null)
}
