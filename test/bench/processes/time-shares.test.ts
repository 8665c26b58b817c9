import t from 'tap'
import type { Profile } from './measured-process.js'
import { timeShares } from './time-shares.js'

t.test('time belongs to the part that runs, or calls what runs', async (t) => {
  const bundle = [
    '// dist/src/web/auth/session.js',
    'function read() {}',
    '// node_modules/prom-client/index.js',
    '',
  ].join('\n')
  const profile = profileOf([
    { name: 'read', url: 'file:///app.js', line: 1, time: 300 },
    { name: 'get', url: '', parent: 1, time: 100 },
    { name: 'observe', url: 'file:///app.js', line: 3, time: 200 },
    { name: 'emit', url: 'node:events', time: 150 },
    { name: 'writePayload', url: 'file:///fastify.js', time: 50 },
    { name: 'writev', url: '', parent: 5, time: 150 },
    { name: '(garbage collector)', url: '', time: 50 },
    { name: '(idle)', url: '', time: 5000 },
  ])
  t.same(
    timeShares(profile, () => bundle),
    [
      { part: 'Cookies, session, revocations', share: 0.4 },
      { part: 'Metrics', share: 0.2 },
      { part: 'Headers and sending', share: 0.2 },
      { part: 'Node.js: parsing, events, promises', share: 0.15 },
      { part: 'Garbage collection', share: 0.05 },
    ],
  )
})

function profileOf(calls: { name: string; url: string; line?: number; parent?: number; time: number }[]): Profile {
  const nodes = calls.map(({ name, url, line = 0 }, index) => ({
    id: index + 1,
    callFrame: { functionName: name, scriptId: '1', url, lineNumber: line, columnNumber: 0 },
    children: calls.flatMap(({ parent }, child) => (parent === index + 1 ? [child + 1] : [])),
  }))
  const samples = nodes.map(({ id }) => id)
  return { nodes, startTime: 0, endTime: 1, samples, timeDeltas: calls.map(({ time }) => time) }
}
