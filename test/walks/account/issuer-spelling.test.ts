import { randomUUID } from 'node:crypto'
import t from 'tap'
import { startSmallProvider } from '../../helper/small-provider.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** A provider whose issuer ends in a slash, with and without the slash in the setting. */
const stack = await startStack(['threescale'])
const provider = await startSmallProvider({ path: '/application/o/models/' })
t.teardown(async () => {
  await stack.close()
  await provider.close()
})
const person = { sub: 'zoe', name: 'Zoe', email: 'zoe@example.com', email_verified: true }
provider.claims = { ...person, sid: 'session-1' }
const now = () => Math.floor(Date.now() / 1000)
const claims = () => ({ iss: provider.issuer, iat: now(), exp: now() + 300, jti: randomUUID() })

for (const issuer of [provider.issuer.slice(0, -1), provider.issuer, provider.issuer.slice(0, -1)])
  t.test(
    `${issuer.endsWith('/') ? 'with' : 'without'} the slash, sign-in, access tokens and sign-outs work`,
    async (t) => {
      const portal = await stack.portal({ OIDC_ISSUER: issuer, SESSION_SECRET: 's'.repeat(40) })
      const visitor = createVisitor(stack)
      const page = await visitor.signIn('zoe', '/account')
      t.equal(page.status, 200, page.url)
      t.match(page.text, 'zoe@example.com')
      const token = await provider.jwt(
        { ...claims(), ...person, aud: 'maas-portal-api', azp: 'maas-cli', scope: 'maas:read' },
        { typ: 'at+jwt' },
      )
      const answer = await fetch(`${stack.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
      t.equal(answer.status, 200)
      const metadata = await fetch(`${stack.url}/.well-known/oauth-protected-resource`)
      t.match(await metadata.json(), { authorization_servers: [provider.issuer] })
      const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
      const logout_token = await provider.jwt({ ...claims(), aud: 'maas-portal', sid: 'session-1', events })
      const body = new URLSearchParams({ logout_token })
      t.equal((await fetch(`${stack.url}/logout/backchannel`, { method: 'POST', body })).status, 200)
      t.equal((await visitor.raw('/account')).status, 303, 'signed out')
      t.equal((await stack.state()).users.filter(({ email }) => email === person.email).length, 1)
      await portal.stop()
    },
  )
