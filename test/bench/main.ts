// `npm run bench`: measures what users get. CONTRIBUTING.md lists its options.
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { cold, journeys, starts } from './journeys.js'
import { lighthouseScores } from './lighthouse.js'
import { install, requirements } from './requirements.js'
import { scale } from './scale.js'
import { soak } from './soak.js'
import { markdownTable, type Section, tableText } from './table.js'
import { coldUsage } from './users/cold-usage.js'
import { everyday } from './users/everyday.js'
import { heavy } from './users/heavy.js'
import { mixed } from './users/mixed.js'
import { createPopulation, type Population } from './users/population.js'
import { wire } from './wire.js'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    match: { type: 'string', default: '' },
    profile: { type: 'boolean', default: false },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    people: { type: 'string' },
    soak: { type: 'boolean', default: false },
    'soak-seconds': { type: 'string', default: '600' },
    scale: { type: 'boolean', default: false },
  },
})

const { quick } = values
const effort = {
  seconds: Number(values.seconds ?? (quick ? 0.3 : 1)),
  rounds: Number(values.rounds ?? (quick ? 2 : 9)),
  samples: quick ? 40 : 150,
  warmUpSeconds: quick ? 1 : 4,
}
const people = { count: Number(values.people ?? (quick ? 120 : 500)), large: quick ? 8 : 40 }

interface Part {
  run(): AsyncIterable<Section>
  requires: (typeof requirements)[keyof typeof requirements]
  /** `--quick` leaves it out, unless it is named. */
  long?: boolean
}

let population: Promise<Population> | undefined
const populated = () => (population ??= createPopulation(people))

const everyPart: Record<string, Part> = {
  everyday: {
    requires: requirements.load,
    run: () =>
      withPeople((all) =>
        everyday(all, { ...effort, match: values.match, compressed: !quick, profile: values.profile }),
      ),
  },
  usage: { requires: requirements.load, run: () => withPeople((all) => coldUsage(all, { rounds: quick ? 1 : 5 })) },
  mixed: { requires: requirements.load, run: () => withPeople((all) => mixed(all, { seconds: quick ? 4 : 30 })) },
  heavy: {
    requires: requirements.load,
    run: () => withPeople((all) => heavy(all, { times: 3, waitSeconds: quick ? 10 : 300 })),
  },
  cold: part('Cold catalogue, 3scale 50 ms away', cold),
  journeys: part('Sign-up, sign-in, create', () => journeys({ times: 30 })),
  starts: part('Start and memory', starts, requirements.redis),
  wire: part('On the wire', wire, requirements.chromium),
  lighthouse: part('Lighthouse, signed in', lighthouseScores, requirements.chromium),
}
const outage = part(
  'An outage of 3scale under load, four replicas',
  () => soak({ seconds: Number(values['soak-seconds']) }),
  requirements.redis,
)
const growth = Object.entries(scale).map(([name, { title, run }]) => [name, part(title, run, requirements.redis)])

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
await main()

async function main(): Promise<void> {
  const available = values.soak
    ? { outage }
    : values.scale
      ? (Object.fromEntries(growth) as typeof everyPart)
      : everyPart
  const chosen = Object.entries(available).filter(([name, { long }]) =>
    values.only ? values.only.split(',').includes(name) : !(quick && long),
  )
  if (chosen.length === 0) {
    process.stderr.write(`--only names some of: ${Object.keys(available).join(', ')}\n`)
    process.exit(1)
  }
  await install(chosen.flatMap(([, { requires }]) => requires))
  const results: Section[] = []
  const text = values.markdown ? markdownTable : tableText
  process.stdout.write(`${machine()}\n\n`)
  try {
    for (const [, { run }] of chosen) {
      for await (const section of run()) {
        if (section.rows.length === 0) continue
        results.push(section)
        const lines = text(section)
        if (lines) process.stdout.write(`${lines}\n`)
        if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
      }
    }
  } finally {
    await (await population)?.close()
  }
  const missed = results.flatMap(({ rows }) => rows).filter(({ met: encountered }) => encountered === false)
  process.stdout.write(missed.length === 0 ? 'Every goal is met.\n' : `${missed.length} goals are missed.\n`)
  process.exit(0)
}

async function* withPeople(run: (all: Population) => AsyncIterable<Section>): AsyncIterable<Section> {
  yield* run(await populated())
}

function part(title: string, measure: () => Promise<Section['rows']>, requires: Part['requires'] = []): Part {
  return {
    long: true,
    requires,
    async *run() {
      yield { title, rows: await measure() }
    },
  }
}

function machine(): string {
  const [processor] = cpus()
  const gigabytes = Math.round(totalmem() / 1024 ** 3)
  return `${cpus().length} cores (${processor?.model ?? 'unknown'}), ${gigabytes} GB, ${process.platform}, Node.js ${process.version}`
}
