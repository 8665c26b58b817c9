import { handleJobs } from '../../src/infra/worker/worker-jobs.js'

/** The program of a thread that behaves as its job states, for tests of the limits of the thread. */
handleJobs((sent: string | { text: string }) => {
  const job = typeof sent === 'string' ? sent : sent.text
  if (job === 'endless') for (;;) Math.sqrt(2)
  if (job === 'silent') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  if (job === 'memory') return String(fill().length)
  if (job === 'throws') throw new Error('a canary of the document')
  if (job === 'exits') process.exit(0)
  if (job === 'environment') return JSON.stringify({ ...process.env })
  return `did ${job}`
})

function fill(): number[][] {
  const lists: number[][] = []
  for (;;) lists.push(Array(1000).fill(lists.length))
}
