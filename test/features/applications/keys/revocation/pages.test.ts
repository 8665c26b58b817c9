import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import t from 'tap'
import { PortalError, problem } from '../../../../../src/errors.js'
import { revocationCheckPages } from '../../../../../src/features/applications/keys/revocation/pages.js'
import type { RevokedKey } from '../../../../../src/features/applications/keys/revocation/revoked-key.js'
import { createSeal } from '../../../../../src/infra/crypto/seal.js'
import type { Caller } from '../../../../../src/web/auth/caller.js'

const AT = Date.parse('2026-03-01T10:00:00Z')
const KEY = '7f3a9c0d51e2b846'
const path = `/applications/7/keys/${KEY}/revocation-check`
const removal: Pick<RevokedKey, 'check' | 'replaced' | 'name' | 'mode'> = {
  check: {
    application_id: 7,
    key_id: KEY,
    status: 'pending',
    removed_at: '2026-03-01T10:00:00.000Z',
    accepted_until: '2026-03-01T10:01:05.000Z',
    check_at: '2026-03-01T10:01:05.000Z',
    checked_at: null,
    refused: null,
    reason: null,
    requests: 0,
    request: null,
    note: 'a note',
  },
  replaced: false,
  name: 'Chat bot',
  mode: 'app_id',
}

/** The data of the page, in a process with or without this record. */
async function processWith(record: typeof removal | undefined) {
  let now = AT
  let accountId = 5
  const app = Fastify()
  await app.register(cookie)
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request) => {
    request.caller = { accountId, name: 'Mary', groups: [] as string[] } as Caller
  })
  app.decorateReply('page', async function (_template, view) {
    return this.send(typeof view === 'function' ? await view() : view)
  })
  app.setErrorHandler((error, _request, reply) =>
    reply.code(error instanceof PortalError ? error.status : 500).send({}),
  )
  const { show } = revocationCheckPages(app, {
    revocationChecks: {
      async read() {
        if (!record) throw problem('not_found')
        return record as RevokedKey
      },
    },
    seal: createSeal(['a secret of thirty-two bytes or so'], 'revocation-check'),
    secure: false,
    now: () => now,
  })
  app.post('/revoke', async (request, reply) => show(request, reply, removal))
  t.teardown(() => app.close())
  return {
    app,
    pass: (ms: number) => {
      now += ms
    },
    as: (id: number) => {
      accountId = id
    },
    async read(cookies: Record<string, string> = {}, url = path) {
      const { statusCode, headers, ...answer } = await app.inject({ url, cookies })
      return { status: statusCode, refresh: headers.refresh, cache: headers['cache-control'], view: answer.json() }
    },
  }
}

t.test(
  'the page of a pending check reloads when the check is due, then frequently, and not after it is completed',
  async (t) => {
    const { read, pass } = await processWith(removal)
    t.match(await read(), {
      status: 200,
      refresh: '67',
      cache: 'no-store',
      view: {
        title: 'Key revoked',
        pending: true,
        summary: /may accept the previous key until 1 March 2026, 10:01:05 UTC/,
      },
    })
    pass(70_000)
    t.match(await read(), { refresh: '2' })
    const done = await processWith({
      ...removal,
      check: { ...removal.check, status: 'completed', refused: true, checked_at: '2026-03-01T10:01:06.000Z' },
    })
    const { refresh, view } = await done.read()
    t.same([refresh, view.summary, view.kind], [undefined, 'The gateway rejects the previous key.', 'success'])
  },
)

t.test('a process without a record uses the cookie, and reports an overdue check as unknown', async (t) => {
  const { app, read, pass, as } = await processWith(undefined)
  t.equal((await read()).status, 404, 'neither a record nor a cookie')
  const sent = await app.inject({ method: 'POST', url: '/revoke' })
  t.same([sent.statusCode, sent.headers.location], [303, path])
  const [{ name = '', value = '', ...flags } = {}] = sent.cookies
  t.match(flags, { path, httpOnly: true, sameSite: 'Lax' })
  const cookies = { [name]: value }
  t.match(await read(cookies), {
    status: 200,
    refresh: '67',
    view: { pending: true, removed: '1 March 2026, 10:00:00 UTC' },
  })
  t.equal((await read(cookies, `/applications/8/keys/${KEY}/revocation-check`)).status, 404, 'another application')
  t.equal((await read(cookies, `/applications/7/keys/${'0'.repeat(16)}/revocation-check`)).status, 404, 'another key')
  as(6)
  t.equal((await read(cookies)).status, 404, 'another account')
  as(5)
  pass(65_000 + 30_001)
  const late = await read(cookies)
  t.equal(late.refresh, undefined)
  t.match(late.view, {
    pending: false,
    kind: 'warning',
    summary: 'The result of the check is unknown.',
    check: 'Not checked',
    note: /Without Redis, only the process that revoked the key stores the result/,
  })
})
