import { readFileSync } from 'node:fs'
import type { Profile } from './measured-process.js'

interface TimeShare {
  part: string
  /** of the time in which the process was busy */
  share: number
}

/** Parts of a request by the module that runs, or calls what runs. The first match counts. */
const parts: [RegExp, string][] = [
  [/@fastify\/cookie|\/cookie\/|auth\/(session|revocations|cookies)|infra\/crypto/, 'Cookies, session, revocations'],
  [/auth\/tokens|\/jose\//, 'Access token'],
  [/features\/account/, 'State of the user'],
  [/web\/limits\/rate|infra\/redis|ioredis/, 'Rate limit and Redis'],
  [/web\/limits/, 'Limits of connections'],
  [/prom-client|server\/metrics/, 'Metrics'],
  [/request-deadline|call-context/, 'Deadline'],
  [/security-headers|web\/api|web\/audit|legacy-redirects|lingering|idempotency/, 'Other hooks'],
  [/features\/models|infra\/(shared-)?cache/, 'Catalogue'],
  [/web\/pages|\/eta\/|\/negotiator\//, 'Page: cached HTML, compression, ETag'],
  [/infra\/http|dist\/src\/clients|\/undici\//, 'Calls to 3scale'],
  [/node_modules\/(fastify|find-my-way|ajv)\//, 'Fastify'],
]
/** Functions of Fastify that send the response. */
const SENDING = /^(writePayload|safeWriteHead)$/

/** Which part of the program takes which share of a CPU profile, the largest first. */
export function timeShares({ nodes, samples = [], timeDeltas = [] }: Profile, read = readSource): TimeShare[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const sources = new Map<string, string[]>()
  const partOfNode = new Map(nodes.map(({ id }) => [id, partOf(id)]))
  const times = new Map<string, number>()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const part = partOfNode.get(id)
    if (part === undefined) continue
    const time = timeDeltas[index] ?? 0
    total += time
    times.set(part, (times.get(part) ?? 0) + time)
  }
  return [...times].map(([part, time]) => ({ part, share: time / total })).sort((a, b) => b.share - a.share)

  /** Undefined while the process is idle. */
  function partOf(leaf: number): string | undefined {
    const name = frames.get(leaf)?.functionName
    if (name === '(idle)') return undefined
    if (name === '(garbage collector)') return 'Garbage collection'
    for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
      const { functionName = '', url = '', lineNumber = 0 } = frames.get(id) ?? {}
      if (SENDING.test(functionName)) return 'Headers and sending'
      if (url === 'node:internal/async_hooks') return 'Asynchronous context'
      const module = url.startsWith('file:') ? moduleAt(url, lineNumber) : ''
      const part = parts.find(([pattern]) => pattern.test(module))?.[1]
      if (part !== undefined) return part
    }
    return 'Node.js: parsing, events, promises'
  }

  /** The module of a line of the bundle, which states it above each module. */
  function moduleAt(url: string, line: number): string {
    let modules = sources.get(url)
    if (!modules) {
      let current = url
      modules = read(url)
        .split('\n')
        .map((text) => (current = /^\s*\/\/(?:#region)? ((?:dist|node_modules)\/\S+)/.exec(text)?.[1] ?? current))
      sources.set(url, modules)
    }
    return modules[line] ?? url
  }
}

function readSource(url: string): string {
  return readFileSync(new URL(url), 'utf8')
}
