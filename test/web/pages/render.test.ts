import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import type { Caller } from '../../../src/web/auth/caller.js'
import { layoutView, registerPages } from '../../../src/web/pages/render.js'
import { registerResponseCache } from '../../../src/web/pages/response-cache.js'
import { member, operator, stranger } from './callers.js'

const views = join(projectRoot, 'views')
const callers: Record<string, Caller | undefined> = { member, operator, stranger, visitor: undefined }
const catalogue = {}

/** A portal with one cached page. The header `x-caller` names the caller. */
async function app(onRender = () => {}) {
  const app = Fastify()
  await app.register(cookie)
  app.decorate('asset', (path: string) => `/static/${path}`)
  app.decorateRequest('caller', undefined)
  registerResponseCache(app)
  app.addHook('onRequest', async (request) => {
    request.caller = callers[String(request.headers['x-caller'])]
  })
  await registerPages(app, {
    root: views,
    secure: false,
    brand: 'Models',
    links: [],
    contact: undefined,
    operators: ['operators'],
    footer: '',
    brandFiles: {},
    announcement: () => undefined,
  })
  const view = {
    title: 'Error',
    detail: 'Same for both.',
    status: 404,
    reference: 'x',
    rule: '',
    help: '',
    again: undefined,
    retryHref: '',
  }
  const rendered = async () => {
    onRender()
    return view
  }
  app.get('/page', async (_request, reply) => reply.page('errors/error', rendered, { source: catalogue }))
  app.get('/secret', async (_request, reply) =>
    reply.header('cache-control', 'no-store').page('errors/error', view, { source: catalogue }),
  )
  return app
}

for (const order of [
  ['operator', 'member'],
  ['member', 'operator'],
]) {
  t.test(`cached page, same name and organization, ${order.join(' then ')}: each gets their own menu`, async (t) => {
    const portal = await app()
    t.teardown(() => portal.close())
    for (const caller of [...order, ...order]) {
      const { payload } = await portal.inject({ url: '/page', headers: { 'x-caller': caller } })
      t.match(payload, 'Kim Lee')
      t.equal(payload.includes('href="/doctor"'), caller === 'operator', caller)
    }
    const { payload } = await portal.inject({ url: '/page', headers: { 'x-caller': 'visitor' } })
    t.notMatch(payload, 'Kim Lee')
    t.match(payload, 'Sign in')
  })
}

t.test('a page with a notice is not served to the next request', async (t) => {
  const portal = await app()
  t.teardown(() => portal.close())
  const notice = Buffer.from(JSON.stringify({ kind: 'success', text: 'Key created.' })).toString('base64url')
  const headers = { 'x-caller': 'member' }
  const first = await portal.inject({ url: '/page', headers, cookies: { maas_flash: notice } })
  t.match(first.payload, 'Key created.')
  t.notMatch((await portal.inject({ url: '/page', headers })).payload, 'Key created.')
})

t.test('callers of a cached page get the same page with different menus, and it is rendered once', async (t) => {
  let count = 0
  const portal = await app(() => count++)
  t.teardown(() => portal.close())
  const read = async (caller: string, headers: Record<string, string> = {}) =>
    portal.inject({ url: '/page', headers: { 'x-caller': caller, ...headers } })
  const withoutMenu = (html: string) => html.replace(/<details class="user-menu"[\s\S]*?<\/details>/, '')
  const texts = []
  const tags = new Set<unknown>()
  for (const caller of ['member', 'stranger', 'operator', 'member']) {
    const plain = await read(caller)
    const gzip = await read(caller, { 'accept-encoding': 'gzip, deflate, br' })
    t.equal(gzip.headers['content-encoding'], 'gzip')
    t.equal(gunzipSync(gzip.rawPayload).toString(), plain.payload, 'both forms have the same text')
    t.equal(gzip.headers.etag, plain.headers.etag)
    t.equal(plain.payload.includes('Alex Roe'), caller === 'stranger')
    texts.push(withoutMenu(plain.payload))
    tags.add(plain.headers.etag)
    const { etag = '' } = plain.headers
    t.equal((await read(caller, { 'if-none-match': String(etag) })).statusCode, 304)
    const other = caller === 'member' ? 'operator' : 'member'
    t.equal((await read(other, { 'if-none-match': String(etag) })).statusCode, 200, 'the tag of another caller')
  }
  t.equal(new Set(texts).size, 1)
  t.equal(tags.size, 3)
  t.equal(count, 1)
  t.notMatch(texts[0], /[0-9a-f]{32}/, 'nothing marks the place of the menu')
})

t.test('a page that must not be stored has the menu of its caller and is not compressed', async (t) => {
  const portal = await app()
  t.teardown(() => portal.close())
  const headers = { 'x-caller': 'stranger', 'accept-encoding': 'gzip' }
  const { payload, headers: sent } = await portal.inject({ url: '/secret', headers })
  t.match(payload, 'Alex Roe')
  t.notOk(sent['content-encoding'])
  t.notOk(sent.etag)
})

/** Members of `page` that a layout may read: constants of the process, the title and refresh of the view, the context. */
const site = ['title', 'brand', 'logo', 'logoDark', 'links', 'contact', 'footer', 'assets', 'refresh', 'menuMarker']
const ofContext = Object.keys(layoutView({ url: '/', signedIn: false, notice: undefined, announcement: undefined }))

function foreignMembers(layout: string): string[] {
  const read = [...layout.matchAll(/\bit\.(?!page\.|body\b)(\w+)|\bit\.page\.(\w+)/g)].map(
    ([, other, name]) => name ?? `it.${other}`,
  )
  return [...new Set(read)].filter((name) => !site.includes(name) && !ofContext.includes(name))
}

t.test('layouts read only the page context and constants', async (t) => {
  for (const file of readdirSync(join(views, 'layouts')))
    t.same(foreignMembers(readFileSync(join(views, 'layouts', file), 'utf8')), [], file)
})

t.test('a layout that reads something else is reported', async (t) => {
  t.same(foreignMembers('<%= it.page.title %> <%= it.page.role %> <%= it.caller.name %>'), ['role', 'it.caller'])
})
