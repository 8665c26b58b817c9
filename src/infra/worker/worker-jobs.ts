import { parentPort } from 'node:worker_threads'

/** The worker's side of `createWorkerThread`: returns text for each job. An error ends the thread. */
export function handleJobs<Job>(work: (job: Job) => string): void {
  parentPort?.on('message', (job: Job) => parentPort?.postMessage(work(job)))
  parentPort?.postMessage(null)
}
