import fastify from 'fastify'
import t from 'tap'
import { Type } from 'typebox'
import { type Deprecation, deprecationHeaders, MIN_DEPRECATION_DAYS } from '../../../src/web/api/deprecation.js'
import { createApiDocument } from '../../../src/web/api/openapi/document.js'

async function portalWith(deprecated: Deprecation) {
  const app = fastify()
  const document = createApiDocument({ publicUrl: 'https://models.example.com', issuer: 'https://sso.example.com' })
  await app.register(
    async (door) => {
      deprecationHeaders(door)
      await document.describe(door)
      const schema = (operationId: string) => ({ operationId, tags: ['models'], response: { 200: Type.Object({}) } })
      const old = { config: { scope: 'maas:read' as const, deprecated }, schema: schema('readOld') }
      door.get('/old', old, async () => ({}))
      door.get('/old/:id', old, async () => {
        throw new Error('broken')
      })
      door.get('/new', { config: { scope: 'maas:read' }, schema: schema('readNew') }, async () => ({}))
    },
    { prefix: '/api/v1' },
  )
  await app.ready()
  return { app, document: document.read() }
}

t.test('a deprecated operation is marked in the document and in all its responses, others are not', async (t) => {
  const { app, document } = await portalWith({ since: '2026-01-01', sunset: '2026-07-01' })
  for (const path of ['/api/v1/old', '/api/v1/old/1']) {
    const { headers } = await app.inject(path)
    t.equal(headers.deprecation, '@1767225600', path)
    t.equal(headers.sunset, 'Wed, 01 Jul 2026 00:00:00 GMT', path)
  }
  const { headers } = await app.inject('/api/v1/new')
  t.notOk(headers.deprecation)
  t.notOk(headers.sunset)
  t.equal(document.paths['/old']?.get?.deprecated, true)
  t.match(document.paths['/old']?.get?.responses['200']?.headers, { Deprecation: {}, Sunset: {} })
  t.notOk(document.paths['/new']?.get?.deprecated)
  t.notOk(document.paths['/new']?.get?.responses['200']?.headers?.Sunset)
})

t.test('a deprecation period that is too short or has an invalid date is rejected at startup', async (t) => {
  t.equal(MIN_DEPRECATION_DAYS, 180)
  for (const sunset of ['2026-01-02', '2026-06-29', '2025-01-01', 'soon'])
    await t.rejects(portalWith({ since: '2026-01-01', sunset }), /180 days/, sunset)
})
