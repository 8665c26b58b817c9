import { answerJobs } from '../../src/clients/thread-jobs.js'

/** The program of a thread that does what a job says, for tests of the thread's limits. */
answerJobs((sent: string | { text: string }) => {
  const job = typeof sent === 'string' ? sent : sent.text
  if (job === 'endless') for (;;) Math.sqrt(2)
  if (job === 'memory') return String(fill().length)
  if (job === 'throws') throw new Error('a canary of the document')
  if (job === 'exits') process.exit(0)
  if (job === 'environment') return JSON.stringify({ ...process.env })
  return `did ${job}`
})

function fill(): object[] {
  const objects: object[] = []
  for (;;) objects.push({ at: objects.length, list: [objects.length] })
}
