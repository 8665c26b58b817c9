import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { demoPorts } from '../../src/cli/demo-settings.js'
import { loadConfig } from '../../src/config/environment.js'
import { projectRoot } from '../../src/project-root.js'
import { startStack } from '../helper/stack.js'

interface Service {
  image: string
  network_mode: string
  command?: string[]
  environment?: Record<string, string>
  depends_on?: string[]
  volumes?: string[]
  build?: { context: string; dockerfile: string; args: Record<string, string> }
}

const deploy = join(projectRoot, 'deploy')
const text = readFileSync(join(deploy, 'compose.yaml'), 'utf8')
const realm = readFileSync(join(deploy, 'keycloak', 'realm.json'), 'utf8')
const containerfile = readFileSync(join(deploy, 'Containerfile'), 'utf8')
const plain = text.replace(/\$\{([A-Z_]+):-([^}]*)\}/g, '$2')
const { services } = parse(plain, { merge: true }) as { services: Record<string, Service> }

t.test('the laptop: the portal accepts its settings, and they match those of the other parts', async (t) => {
  const { portal, keycloak, redis, mail, threescale, identity, gateway } = services
  const image = portal?.environment?.PORTAL_CONFIG?.replace('/opt/app-root/portal', projectRoot) ?? ''
  const config = loadConfig({ ...portal?.environment, PORTAL_CONFIG: image })
  t.ok(keycloak?.command?.includes(`--hostname=${new URL(config.oidc.issuer).origin}`), 'one issuer for all')
  t.ok(keycloak?.command?.includes(`--http-port=${new URL(config.oidc.issuer).port}`))
  t.equal(keycloak?.environment?.MAAS_PORTAL_SECRET, config.oidc.clientSecret)
  t.match(realm, `\${MAAS_PORTAL_URL:${config.publicUrl}}`, "the realm's default is this portal")
  t.ok(redis?.command?.includes(new URL(config.redisUrl ?? '').port))
  t.equal(mail?.environment?.MP_SMTP_BIND_ADDR, `127.0.0.1:${keycloak?.environment?.SMTP_PORT}`)
  for (const part of [threescale, identity, gateway]) t.equal(part?.environment?.PORT, String(config.port))
  t.equal(new URL(config.threescale.adminUrl).port, String(config.port + 1))
  t.match(containerfile, 'deploy/demo-portal.yaml')
})

t.test('the laptop: every issuer that a model of its 3scale names is started', async (t) => {
  const stack = await startStack(['threescale'])
  t.teardown(() => stack.close())
  const list = await fetch(`${stack.threescale}/admin/api/services.json?access_token=demo-token&per_page=500`)
  const products = (await list.json()) as { services: { service: { id: number; backend_version: string } }[] }
  const issuers = new Set<number>()
  for (const { service } of products.services.filter(({ service }) => service.backend_version === 'oidc')) {
    const path = `${stack.threescale}/admin/api/services/${service.id}/proxy.json?access_token=demo-token`
    const { proxy } = (await (await fetch(path)).json()) as { proxy: { oidc_issuer_endpoint: string } }
    issuers.add(Number(new URL(proxy.oidc_issuer_endpoint).port) - stack.port)
  }
  const started = Object.values(services).flatMap(
    ({ command = [] }) => command.slice(command.indexOf('--only') + 1)[0] ?? [],
  )
  t.same([...issuers], [demoPorts(0).identity], 'a part of the demo')
  t.ok(started.includes('identity'))
})

t.test('the laptop: every placeholder of Keycloak is set, every image is a value, and every file exists', async (t) => {
  const needed = [...realm.matchAll(/\$\{([A-Z][A-Z_]+)\}/g)].map(([, name = '']) => name)
  for (const name of needed) t.ok(services.keycloak?.environment?.[name], name)
  for (const line of text.match(/^ +image: .*/gm) ?? []) t.match(line, /\$\{[A-Z]+_IMAGE:-[^}]+\}/)
  for (const [name, { network_mode, depends_on = [], volumes = [], build }] of Object.entries(services)) {
    t.equal(network_mode, 'host', name)
    for (const other of depends_on) t.ok(services[other], `${name} -> ${other}`)
    for (const volume of volumes) t.ok(existsSync(join(deploy, volume.split(':')[0] ?? '')), volume)
    if (!build) continue
    t.ok(existsSync(join(deploy, build.context, build.dockerfile)))
    for (const arg of Object.keys(build.args)) t.match(containerfile, `ARG ${arg}=`)
  }
})
