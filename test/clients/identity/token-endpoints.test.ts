import t from 'tap'
import { createTokenEndpoints } from '../../../src/clients/identity/token-endpoints.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { modelOf } from '../../helper/models.js'

/** The response of an issuer that a product names. */
const read = (text: string, status = 200) => {
  const requested: string[] = []
  const endpoint = createTokenEndpoints({
    async send({ url }) {
      requested.push(url.href)
      return { status, headers: {}, text }
    },
  })('https://sso.example.com/realms/maas')
  return { endpoint, asked: requested }
}
const naming = (token_endpoint: unknown) => JSON.stringify({ token_endpoint })

t.test('the token endpoint is read from the discovery document', async (t) => {
  const { endpoint, asked: requested } = read(naming('https://sso.example.com/realms/maas/token?p=1'))
  t.equal(await endpoint, 'https://sso.example.com/realms/maas/token?p=1')
  t.same(requested, ['https://sso.example.com/realms/maas/.well-known/openid-configuration'])
  for (const unusual of ['http://[fd00::1]:8080/a%20b/token', 'https://sso.example.com/Röalm/{x}/$token'])
    t.equal(await read(naming(unusual)).endpoint, new URL(unusual).href)
  t.equal(await read(naming('https://sso.example.com/to\nken#x')).endpoint, 'https://sso.example.com/token')
})

t.test('only a web address is accepted as a token endpoint, because sample code requests it', async (t) => {
  const refused = [
    ...[
      'file:///root/.config/token.json',
      'FILE:/etc/passwd',
      'ftp://x/',
      'gopher://x/',
      'dict://x/',
      'javascript:alert(1)',
    ],
    ...[
      'data:,{}',
      'https://user:password@sso.example.com/',
      'https://user@sso.example.com/',
      '/token',
      '',
      'https://',
      5,
    ],
    ...[null, {}, ['https://sso.example.com/'], `https://sso.example.com/${'x'.repeat(2000)}`],
  ]
  for (const each of refused)
    await t.rejects(read(naming(each)).endpoint, { code: 'identity_unavailable' }, JSON.stringify(each)?.slice(0, 60))
  for (const text of ['', 'null', '5', '[]', '"x"', '<html>', '['.repeat(5000)])
    await t.rejects(read(text).endpoint, { code: 'identity_unavailable' }, text.slice(0, 20))
  await t.rejects(read(naming('https://sso.example.com/token'), 500).endpoint, { code: 'identity_unavailable' })
})

t.test('curl requests a token address unchanged, including brackets and braces', (t) => {
  const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }
  const credentials = { mode: 'oidc', location: 'headers', names } as const
  const codeFor = (token_url: string) =>
    createSnippets().forModel(modelOf({ credentials, token_url }), { only: 'curl' })[0]
  t.match(codeFor('https://sso.example.com/{a,b}/token[1-3]')?.code, /--globoff 'https:\/\/sso/)
  t.notMatch(codeFor('https://sso.example.com/token')?.code, 'globoff')
  t.end()
})
