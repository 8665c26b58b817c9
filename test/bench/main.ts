// `npm run bench`: the performance table. Options: --json FILE, --seconds N and --rounds N for the load rows. --soak is ten
// minutes without 3scale instead, or --soak-seconds N.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { answers } from './answers.js'
import { cold, journeys, starts } from './journeys.js'
import { lighthouseScores } from './lighthouse.js'
import { soak } from './soak.js'
import { type Row, tableText } from './table.js'
import { wire } from './wire.js'

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '15' },
    only: { type: 'string' },
    soak: { type: 'boolean', default: false },
    'soak-seconds': { type: 'string', default: '600' },
  },
})
const long: typeof sections = {
  soak: {
    title: 'An outage of 3scale under load, four replicas',
    run: () => soak({ seconds: Number(values['soak-seconds']) }),
  },
}
const sections: Record<string, { title: string; run: () => Promise<Row[]> }> = {
  answers: {
    title: 'Warm answers, server on one core, load on the other, interleaved; median (least-most)',
    run: () => answers({ seconds: Number(values.seconds), rounds: Number(values.rounds) }),
  },
  cold: { title: 'Cold catalogue, 3scale 50 ms away', run: cold },
  journeys: { title: 'Sign-up, sign-in, create', run: () => journeys({ times: 30 }) },
  starts: { title: 'Start and memory', run: starts },
  wire: { title: 'On the wire', run: wire },
  lighthouse: { title: 'Lighthouse, signed in', run: lighthouseScores },
}

const results: Record<string, Row[]> = {}
for (const [name, { title, run }] of Object.entries(values.soak ? long : sections)) {
  if (values.only && values.only !== name) continue
  const rows = await run()
  results[name] = rows
  process.stdout.write(`${tableText(title, rows)}\n`)
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
const missed = Object.values(results)
  .flat()
  .filter(({ met }) => met === false)
process.stdout.write(missed.length === 0 ? 'Every goal is met.\n' : `${missed.length} goals are missed.\n`)
