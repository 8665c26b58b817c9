import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type * as Tap from 'tap'
import { verification } from '../../src/features/snippets/verification.js'
import { projectRoot } from '../../src/project-root.js'

export type Verification = 'run' | 'parsed'

/** How many texts of each client were run or parsed. */
export function createTally() {
  const counts: Record<Verification, Map<string, number>> = { run: new Map(), parsed: new Map() }
  return {
    add(verification: Verification, client: string): void {
      counts[verification].set(client, (counts[verification].get(client) ?? 0) + 1)
    },
    verification(): Record<string, Verification> {
      const of = (verification: Verification) =>
        [...counts[verification].keys()].map((client) => [client, verification] as const)
      return Object.fromEntries([...of('parsed'), ...of('run')])
    },
    line(): string {
      const parts = (Object.keys(counts) as Verification[]).map((verification) => {
        const words = [...counts[verification]].map(([client, count]) => `${client} ${count}`)
        return `${verification}: ${words.join(', ') || 'none'}`
      })
      return `snippets ${parts.join('; ')}`
    },
  }
}

type Tally = ReturnType<typeof createTally>

/** Compares the committed file with the results of this run for these clients; `--write` writes them. */
export function checkProofs(t: Tap.Test, tally: Tally, clients: string[]): void {
  const found = tally.verification()
  if (process.argv.includes('--write')) writeProofs({ ...verification, ...found })
  const committed = Object.fromEntries(Object.entries(verification).filter(([client]) => clients.includes(client)))
  t.same(found, committed, `run: node ${relative(projectRoot, process.argv[1] ?? '')} --write`)
  t.comment(tally.line())
}

function writeProofs(all: Record<string, Verification>): void {
  const lines = Object.entries(all)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([client, verification]) => `  ${/^\w+$/.test(client) ? client : `'${client}'`}: '${verification}',`)
  const text = `/** How the tests prove each client's code; \`--write\` of test/walks/snippets*.test.js writes it, every run checks it. */
export const verification: Record<string, 'run' | 'parsed'> = {
${lines.join('\n')}
}
`
  writeFileSync(join(projectRoot, 'src/features/snippets/verification.ts'), text)
}
