import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildPortal } from '../../src/app.js'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { loadConfig } from '../../src/config/environment.js'
import { startStack } from '../helper/stack.js'
import { secrets, startKeycloak } from './keycloak.js'

// How the doctor interprets a provider's responses, checked with a real Keycloak and the realm of deploy/keycloak.
const stack = await startStack(['threescale', 'gateway'])
const keycloak = await startKeycloak({ portalUrl: stack.url, backchannelUrl: stack.url, smtpPort: 1 })
const folder = t.testdir({})
const notes = join(folder, 'portal.yaml')
writeFileSync(notes, 'branding: { name: Models }\n')
const marks = join(folder, 'marks.yaml')
writeFileSync(
  marks,
  'identity_provider: { access_tokens: { services: { role: { claim: realm_access.roles, value: maas-service } } } }\n',
)
await fetch(`${stack.threescale}/_demo/reset?tenant=clean`, { method: 'POST' })
t.teardown(async () => {
  await keycloak.close()
  await stack.close()
})
const settings = {
  ...demoEnvironment(stack.port, {}),
  PORTAL_CONFIG: notes,
  OIDC_ISSUER: keycloak.issuer,
  OIDC_CLIENT_SECRET: secrets.portal,
  API_CLIENTS: 'maas-service',
  DOCTOR_CLIENT_ID: 'maas-service',
  DOCTOR_CLIENT_SECRET: secrets.service,
  LOG_LEVEL: 'silent',
}

t.test('no finding for the realm as imported', async (t) => {
  t.same(await codes(), [])
})

t.test('each misconfiguration of Keycloak is reported by its code', async (t) => {
  const table: [Record<string, string>, string[]][] = [
    [{ OIDC_CLIENT_SECRET: 'not-the-secret' }, ['identity_client']],
    [{ OIDC_CLIENT_ID: 'nobody' }, ['identity_client', 'identity_redirect']],
    [{ PUBLIC_URL: 'http://localhost:1' }, ['identity_redirect']],
    [{ OIDC_SCOPES: 'openid nonsense' }, ['identity_redirect']],
    [{ OIDC_ISSUER: `${keycloak.issuer}/` }, []],
    [{ OIDC_ISSUER: `${keycloak.origin}/realms/none` }, ['identity_unreachable']],
    [{ DOCTOR_CLIENT_SECRET: 'not-the-secret' }, ['service_token_missing']],
    [{ API_AUDIENCE: 'another-api' }, ['access_token_audience']],
    [{ API_CLIENTS: '' }, ['service_client_not_allowed']],
    [{ API_CLIENTS: '', PORTAL_CONFIG: marks }, []],
  ]
  for (const [env, expected] of table) t.same(await codes(env), expected, JSON.stringify(env))
})

t.test('the claims that users can change are reported, if the client may read the user profile', async (t) => {
  const claims = join(t.testdir({}), 'claims.yaml')
  const whats = async (claim: string) => {
    writeFileSync(claims, `claim_accounts: { claim: ${claim}, admin_groups: [maas-admins] }\n`)
    const portal = await buildPortal(loadConfig({ ...settings, PORTAL_CONFIG: claims }))
    const { findings } = await portal.doctor.examine(60_000)
    await portal.stop()
    return findings.flatMap(({ code, what }) => (code === 'claim_editable' ? [what] : []))
  }
  t.same(await whats('organization'), [])
  t.match(await whats('org_name'), [/can usually edit/], 'the client may not read the user profile')

  const one = async (path: string) => (await keycloak.admin('GET', path)).json() as Promise<{ id: string }>
  const first = async (path: string) => ((await (await keycloak.admin('GET', path)).json()) as { id: string }[])[0]?.id
  const [client, management] = [
    await first('/clients?clientId=maas-service'),
    await first('/clients?clientId=realm-management'),
  ]
  const { id: account } = await one(`/clients/${client}/service-account-user`)
  const role = await one(`/clients/${management}/roles/query-users`)
  await keycloak.admin('POST', `/users/${account}/role-mappings/clients/${management}`, [role])
  // A client without full scope has only the roles that are mapped to its scopes.
  await keycloak.admin('POST', `/clients/${client}/scope-mappings/clients/${management}`, [role])
  t.match(await whats('org_name'), [/users can edit in the user profile/])
  t.same(await whats('organization'), [], 'which only administrators set')
})

t.test('a service client without a scope of the API is reported', async (t) => {
  const [client] = (await (await keycloak.admin('GET', '/clients?clientId=maas-service')).json()) as { id: string }[]
  const scopes = (await (await keycloak.admin('GET', '/client-scopes')).json()) as { id: string; name: string }[]
  const id = (required: string) => scopes.find(({ name }) => name === required)?.id
  await keycloak.admin('DELETE', `/clients/${client?.id}/optional-client-scopes/${id('maas:write')}`)
  t.same(await codes(), ['access_token_scopes'])
})

/** Findings about the identity provider and its tokens; the tenant has its own test. */
async function codes(env: Record<string, string> = {}): Promise<string[]> {
  const portal = await buildPortal(loadConfig({ ...settings, ...env }))
  const { findings } = await portal.doctor.examine(60_000)
  await portal.stop()
  return findings.map(({ code }) => code).filter((code) => /^(identity|service|access_token)_/.test(code))
}
