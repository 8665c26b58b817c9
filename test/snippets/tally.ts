import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../src/root.js'

export type Proof = 'run' | 'replayed' | 'parsed'

/** How many texts of each client were run, replayed or parsed. */
export function createTally() {
  const counts: Record<Proof, Map<string, number>> = { run: new Map(), replayed: new Map(), parsed: new Map() }
  return {
    add(proof: Proof, client: string): void {
      counts[proof].set(client, (counts[proof].get(client) ?? 0) + 1)
    },
    proofs(): Record<string, Proof> {
      const of = (proof: Proof) => [...counts[proof].keys()].map((client) => [client, proof] as const)
      return Object.fromEntries([...of('parsed'), ...of('replayed'), ...of('run')])
    },
    line(): string {
      const parts = (Object.keys(counts) as Proof[]).map((proof) => {
        const words = [...counts[proof]].map(([client, count]) => `${client} ${count}`)
        return `${proof}: ${words.join(', ') || 'none'}`
      })
      return `snippets ${parts.join('; ')}`
    },
  }
}

/** Only on request: a run that says something else than the committed file fails. */
export function writeProofs(proofs: Record<string, Proof>): void {
  const lines = Object.entries(proofs)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([client, proof]) => `  ${/^\w+$/.test(client) ? client : `'${client}'`}: '${proof}',`)
  const text = `/** How the tests prove each client's code; written by \`node dist/test/walks/snippets.test.js --write\`, checked by every run. */
export const proofs: Record<string, 'run' | 'replayed' | 'parsed'> = {
${lines.join('\n')}
}
`
  writeFileSync(join(projectRoot, 'src/features/snippets/proofs.ts'), text)
}
